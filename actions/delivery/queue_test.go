package delivery_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"heed/actions"
	"heed/actions/delivery"
	"heed/engine/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// queue is a delivery.Queue in memory. Its errors, if set, are asked before
// each call.
type queue struct {
	mu   sync.Mutex
	rows []*record.Delivery
	ends map[string][]delivery.End
	open map[string]string // the owners of open attempts, by the delivery
	wake chan struct{}
	// calls are the methods in the order in which they were called.
	calls       []string
	takeOverErr error
	dueErr      func() error
	recordErr   func() error
	claimErr    func() error
	lanes       map[string]*delivery.Lane
}

// newQueue holds deliveries that are due: n of each action.
func newQueue(n int, names ...string) *queue {
	q := &queue{ends: map[string][]delivery.End{}, lanes: map[string]*delivery.Lane{}, open: map[string]string{}, wake: make(chan struct{}, 1)}
	for _, name := range names {
		for i := range n {
			q.add(name, fmt.Sprintf("%s-%d", name, i))
		}
	}
	return q
}

func (q *queue) add(action, id string) {
	q.mu.Lock()
	q.rows = append(q.rows, &record.Delivery{ID: id, Action: action, Kind: "stub", State: record.Pending})
	q.mu.Unlock()
	q.signal()
}

// actions are those that any delivery has.
func (q *queue) actions() (names []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, d := range q.rows {
		names = append(names, d.Action)
	}
	return names
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func waits(d *record.Delivery) bool { return d.State == record.Pending || d.State == record.Retrying }

func fail(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

func (q *queue) DueActions(
	_ context.Context, now time.Time, known []string,
) (names []string, next time.Time, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := fail(q.dueErr); err != nil {
		return nil, time.Time{}, err
	}
	for _, d := range q.rows {
		switch {
		case !waits(d) || !slices.Contains(known, d.Action):
		case !d.DueAt.After(now):
			if !slices.Contains(names, d.Action) {
				names = append(names, d.Action)
			}
		case next.IsZero() || d.DueAt.Before(next):
			next = d.DueAt
		}
	}
	return names, next, nil
}

// Exchange follows the rules of delivery.Lane, with one destination an action.
func (q *queue) Exchange(
	_ context.Context, owner string, now time.Time, ends []delivery.End, takes []delivery.Take,
) (claimed delivery.Claimed, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls = append(q.calls, "exchange")
	if err := fail(q.recordErr); err != nil && len(ends) > 0 {
		return delivery.Claimed{}, err
	}
	if err := fail(q.claimErr); err != nil && len(takes) > 0 {
		return delivery.Claimed{}, err
	}
	before := map[string]delivery.Lane{}
	for name, lane := range q.lanes {
		before[name] = *lane
	}
	for _, end := range ends {
		if q.open[end.ID] != owner {
			claimed.Lost = append(claimed.Lost, end.ID)
			continue
		}
		q.finish(end)
	}
	for _, take := range takes {
		q.claim(owner, now, take, &claimed)
	}
	for name, lane := range q.lanes {
		was := before[name]
		if wait, ok := lane.Change(&was); ok {
			claimed.Changes = append(claimed.Changes, delivery.LaneChange{Destination: name, Wait: wait})
		}
	}
	return claimed, nil
}

func (q *queue) finish(end delivery.End) {
	for _, d := range q.rows {
		if d.ID != end.ID || !waits(d) {
			continue
		}
		if end.Released {
			d.Attempts, d.DueAt = d.Attempts-1, end.DueAt
			delete(q.open, d.ID)
			q.lane(d.Action).Abandoned(time.Now())
			q.signal()
			continue
		}
		if end.Interrupted {
			q.lane(d.Action).Abandoned(end.At)
		} else {
			q.lane(d.Action).Ended(end.Outcome, end.StartedAt, end.At)
		}
		d.State, d.DueAt, d.LastError = end.State, end.DueAt, end.Error
		q.ends[d.ID] = append(q.ends[d.ID], end)
		delete(q.open, d.ID)
		defer q.signal()
	}
}

func (q *queue) claim(owner string, now time.Time, take delivery.Take, claimed *delivery.Claimed) {
	var due []*record.Delivery
	for _, d := range q.rows {
		if d.Action == take.Action && waits(d) && !d.DueAt.After(now) && q.open[d.ID] != owner {
			due = append(due, d)
		}
	}
	lane := q.lane(take.Action)
	slices.SortStableFunc(due, func(a, b *record.Delivery) int {
		switch failed := cmp.Compare(min(a.Attempts, 1), min(b.Attempts, 1)); {
		case lane.IsTesting() && failed != 0:
			return failed
		case lane.PrefersNewest():
			return cmp.Or(b.DueAt.Compare(a.DueAt), cmp.Compare(slices.Index(q.rows, b), slices.Index(q.rows, a)))
		}
		return a.DueAt.Compare(b.DueAt)
	})
	for _, d := range due[:lane.Admit(min(take.N, len(due)), now, take.Interval, take.Timeout)] {
		d.Attempts++
		d.Interrupted, d.Alike = q.open[d.ID] != "", 0
		for _, end := range q.ends[d.ID] {
			if end.Error != "" && end.Error == d.LastError {
				d.Alike++
			}
		}
		claimed.Deliveries = append(claimed.Deliveries, *d)
		d.DueAt = now.Add(take.Lease)
		q.open[d.ID] = owner
	}
	if open, _ := lane.NextStart(); now.Before(open) && (claimed.Next.IsZero() || open.Before(claimed.Next)) {
		claimed.Next = open
	}
}

func (q *queue) lane(action string) *delivery.Lane {
	if q.lanes[action] == nil {
		q.lanes[action] = &delivery.Lane{}
	}
	return q.lanes[action]
}

func (q *queue) Renew(_ context.Context, owner string, until time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls = append(q.calls, "renew")
	for _, d := range q.rows {
		if q.open[d.ID] == owner {
			d.DueAt = until
		}
	}
	return nil
}

// TakeOver takes all other owners for gone.
func (q *queue) TakeOver(_ context.Context, owner string, _ time.Time) (n int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls = append(q.calls, "take over")
	for _, d := range q.rows {
		if other, open := q.open[d.ID]; open && other != owner {
			delete(q.open, d.ID)
			d.DueAt = time.Time{}
			n++
		}
	}
	return n, q.takeOverErr
}

func (q *queue) Wake() <-chan struct{} { return q.wake }

// count is how many deliveries are in a state.
func (q *queue) count(state record.State) (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, d := range q.rows {
		if d.State == state {
			n++
		}
	}
	return n
}

func (q *queue) row(id string) record.Delivery {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, d := range q.rows {
		if d.ID == id {
			return *d
		}
	}
	return record.Delivery{}
}

// standard are the settings of actions that say nothing else.
var standard = actions.Settings{
	Retry: actions.RetryPolicy{Attempts: 4, Min: 5 * time.Second, Max: time.Minute}, Timeout: 15 * time.Second, Concurrency: 2,
}

// sends remembers what was sent, when.
type sends struct {
	mu      sync.Mutex
	started []start
	running map[string]int
	most    map[string]int // running at once, by action
}

type start struct {
	id string
	at time.Time
}

// wrap counts the calls of deliver.
func (s *sends) wrap(
	deliver func(context.Context, record.Delivery) actions.Outcome,
) func(context.Context, record.Delivery) actions.Outcome {
	s.running, s.most = map[string]int{}, map[string]int{}
	return func(ctx context.Context, d record.Delivery) actions.Outcome {
		s.mu.Lock()
		s.started = append(s.started, start{d.ID, time.Now()})
		s.running[d.Action]++
		s.most[d.Action] = max(s.most[d.Action], s.running[d.Action])
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			s.running[d.Action]--
			s.mu.Unlock()
		}()
		return deliver(ctx, d)
	}
}

func (s *sends) all() []start {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.started)
}

// loop is a running Loop.
type loop struct {
	*sends
	stop func() // ends Run
	done chan error
}

// loopKey is the key of a value in the context of each Loop that begin runs.
type loopKey struct{}

// begin runs a Loop over the queue. It must be stopped.
func begin(t *testing.T, q *queue, deliver func(context.Context, record.Delivery) actions.Outcome, changes ...func(*delivery.Options)) *loop {
	t.Helper()
	l := &loop{sends: &sends{}, done: make(chan error, 1)}
	o := delivery.Options{
		Queue: q, Deliver: l.wrap(deliver), Actions: q.actions, Settings: func(string) actions.Settings { return standard },
		Grace: 20 * time.Second, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	for _, change := range changes {
		change(&o)
	}
	inner, err := delivery.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), loopKey{}, true))
	l.stop = cancel
	go func() { l.done <- inner.Run(ctx) }()
	return l
}

// end stops the loop and says how Run ended.
func (l *loop) end() error {
	l.stop()
	return <-l.done
}

func settings(s actions.Settings) func(*delivery.Options) {
	return func(o *delivery.Options) { o.Settings = func(string) actions.Settings { return s } }
}

func succeed(context.Context, record.Delivery) actions.Outcome {
	return actions.Outcome{Verdict: actions.Done}
}

// hang reacts to nothing but its context.
func hang(ctx context.Context, _ record.Delivery) actions.Outcome {
	<-ctx.Done()
	return actions.Outcome{Verdict: actions.Retry, Error: "interrupted"}
}
