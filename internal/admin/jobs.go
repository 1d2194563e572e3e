package admin

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"heed/engine/record"
	"heed/internal/admin/access"
	"heed/internal/plain"
)

// Job is a bulk change that runs in the background. Jobs are kept in memory: a restart
// ends a job, and what it has done until then stays done.
type Job struct {
	ID string `json:"id"`
	// What is retry, discard or replay; Target says to what, as the audit log has it.
	What   string `json:"what"`
	Target string `json:"target"`
	Who    string `json:"who"`
	// Total is how many there were at the start, counted up to MostCounted; Done of
	// how many the job has seen, Changed how many it changed.
	Total   int `json:"total"`
	Done    int `json:"done"`
	Changed int `json:"changed"`
	// State is running, done, stopped or failed; Error says why it failed.
	State     string    `json:"state"`
	Error     string    `json:"error,omitempty"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
}

// The states of a job.
const (
	JobRunning = "running"
	JobDone    = "done"
	JobStopped = "stopped"
	JobFailed  = "failed"
)

// maxJobs is how many jobs are remembered. One runs at a time.
const maxJobs = 50

// jobs are the running job and those that have ended.
type jobs struct {
	mu   sync.Mutex
	list []*runningJob // the newest last
}

type runningJob struct {
	mu   sync.Mutex
	job  Job
	stop context.CancelFunc
}

func (r *runningJob) shown() Job {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.job
}

func (r *runningJob) advance(seen, changed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.job.Done += seen
	r.job.Changed += changed
}

func (r *runningJob) end(state string, err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.job.State, r.job.EndedAt = state, now
	if err != nil {
		r.job.Error = err.Error()
	}
}

// Bulk is a change of all deliveries that a selection chooses.
type Bulk struct {
	// What is retry or discard.
	What string
	Selection
	// Confirm is the number of deliveries, typed by a person; it is needed above
	// mostUnconfirmed.
	Confirm string
}

// mostUnconfirmed is how many things may be changed at once without the number
// being typed.
const mostUnconfirmed = 10_000

// Preview says how many deliveries a change would change, up to MostCounted, and
// shows the first.
type Preview struct {
	N       int               `json:"n"`
	Samples []record.Delivery `json:"samples"`
	// Confirm is what a person has to type; empty if nothing.
	Confirm string `json:"confirm,omitempty"`
}

// maxSamples is how many deliveries a preview shows.
const maxSamples = 5

// Preview says what a bulk change would change. It always takes a filter.
func (s *Service) Preview(ctx context.Context, b Bulk) (p Preview, err error) {
	p.Samples = []record.Delivery{}
	m := s.masker(ctx)
	size := maxLimit
	if b.Cause == "" {
		size = maxSamples
	}
	err = s.chosen(ctx, b, size, func(page []record.Delivery) bool {
		p.N = min(p.N+len(page), MostCounted)
		for i := range page[:min(len(page), max(maxSamples-len(p.Samples), 0))] {
			d := page[i]
			m.recordedIfMasked(&d)
			p.Samples = append(p.Samples, d)
		}
		return p.N < MostCounted && b.Cause != "" // without a cause the store counts them
	})
	if f, problem := b.filter(); err == nil && problem == nil && b.Cause == "" {
		p.N, err = s.o.Store.CountChanging(ctx, f, b.What == "retry", MostCounted)
	}
	if p.N > mostUnconfirmed {
		p.Confirm = b.What + " 10000+"
	}
	return p, err
}

// Start begins a bulk change and returns at once.
func (s *Service) Start(ctx context.Context, b Bulk) (Job, error) {
	p, err := s.Preview(ctx, b)
	switch {
	case err != nil:
		return Job{}, err
	case p.N == 0:
		return Job{}, errorf(Conflict, "nothing is left that matches: somebody else may have been faster")
	case p.Confirm != "" && strings.TrimSpace(b.Confirm) != p.Confirm:
		return Job{}, errorf(Invalid, "these are more than %d: type %s to confirm", mostUnconfirmed, p.Confirm)
	}
	return s.run(ctx, Job{What: b.What, Target: b.Target(), Total: p.N}, func(ctx context.Context, r *runningJob) error {
		return s.changeInParts(ctx, b, r)
	})
}

// bulkPart is how many deliveries are changed in one transaction.
const bulkPart = 128

func (s *Service) changeInParts(ctx context.Context, b Bulk, r *runningJob) (err error) {
	failed := s.chosen(ctx, b, maxLimit, func(page []record.Delivery) bool {
		for part := range slices.Chunk(page, bulkPart) {
			f := record.DeliveryFilter{IDs: make([]string, len(part)), State: b.State}
			for i := range part {
				f.IDs[i] = part[i].ID
			}
			var n int
			n, err = s.changes()[b.What].apply(ctx, f)
			if r.advance(len(part), n); err != nil || ctx.Err() != nil {
				return false
			}
		}
		return true
	})
	return cmp.Or(err, failed, ctx.Err())
}

// chosen gives the deliveries that a bulk change is about, a page of a size at a
// time, until do returns false.
func (s *Service) chosen(ctx context.Context, b Bulk, size int, do func([]record.Delivery) bool) error {
	if b.Selection == (Selection{}) {
		return errorf(Invalid, "name a state, an action, a rule or a cause: this is for some deliveries, not for all")
	}
	change, known := s.changes()[b.What]
	if !known {
		return errorf(Invalid, "a bulk change is retry or discard")
	}
	if b.Cause != "" {
		return s.chosenByCause(ctx, b, do)
	}
	f, err := b.filter()
	if err != nil {
		return err
	}
	f.Limit = size
	for {
		page, next, err := s.o.Store.Deliveries(ctx, f)
		if err != nil {
			return err
		}
		page = slices.DeleteFunc(page, func(d record.Delivery) bool {
			return change.obstacle(&d) != "" || d.State == record.Done && f.State != record.Done
		})
		if !do(page) || next == "" {
			return nil
		}
		f.Before = next
	}
}

// chosenByCause is chosen for dead deliveries with one cause.
func (s *Service) chosenByCause(ctx context.Context, b Bulk, do func([]record.Delivery) bool) error {
	for cursor, more := "", true; more; more = cursor != "" {
		dead, next, err := s.o.Store.DeadDeliveries(ctx, b.Action, cursor, maxLimit)
		if err != nil {
			return err
		}
		var page []record.Delivery
		for i := range dead {
			d := &dead[i]
			if b.hasCauseOf(d) && (d.Renderable || b.What == "discard") {
				page = append(page, deadDelivery(d))
			}
		}
		if cursor = next; !do(page) {
			return nil
		}
	}
	return nil
}

// run runs a job in the background. Only one runs at a time: the changes of two could
// not be told apart.
func (s *Service) run(ctx context.Context, job Job, work func(context.Context, *runningJob) error) (Job, error) {
	who := access.Of(ctx)
	job.ID, job.Who, job.State, job.StartedAt = rand.Text()[:12], who.Name, JobRunning, s.o.Now().UTC()
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &runningJob{job: job, stop: stop}
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	for _, other := range s.jobs.list {
		if shown := other.shown(); shown.State == JobRunning {
			stop()
			return Job{}, errorf(Conflict, "another job runs (%s, by %s): wait for it, or stop it", shown.What,
				shown.Who)
		}
	}
	if s.jobs.list = append(s.jobs.list, r); len(s.jobs.list) > maxJobs {
		s.jobs.list = s.jobs.list[1:]
	}
	go func() {
		defer stop()
		err := s.working(ctx, r, work)
		state := JobDone
		switch {
		case ctx.Err() != nil:
			state, err = JobStopped, nil
		case err != nil:
			state = JobFailed
			s.o.Log.Error("a job failed", "what", job.What, "target", job.Target, "error", err)
		}
		r.end(state, err, s.o.Now().UTC())
		done := r.shown()
		result := err
		if state == JobStopped {
			result = errorf(Conflict, "stopped after %d of %d", done.Done, done.Total)
		}
		s.note(ctx, job.What, job.Target, done.Changed, result)
		s.o.Log.Info("a job has ended", "what", job.What, "target", job.Target, "changed", done.Changed, "state", state)
	}()
	return job, nil
}

// working keeps a panic in a job from ending heed.
func (s *Service) working(
	ctx context.Context, r *runningJob, work func(context.Context, *runningJob) error,
) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			s.o.Log.Error("a job broke inside heed; please report this", "what", r.job.What, "target", r.job.Target,
				"cause", plain.Panic(cause), "stack", string(debug.Stack()))
			err = errors.New("it broke inside heed; please report it")
		}
	}()
	return work(ctx, r)
}

// Job is one job.
func (s *Service) Job(_ context.Context, id string) (Job, error) {
	if r := s.findJob(id); r != nil {
		return r.shown(), nil
	}
	return Job{}, errorf(NotFound, "there is no job %q any more: the audit log says what came of it", id)
}

// StopJob ends a job that runs. What it did stays done.
func (s *Service) StopJob(_ context.Context, id string) (Job, error) {
	r := s.findJob(id)
	if r == nil {
		return Job{}, errorf(NotFound, "there is no job %q", id)
	}
	r.stop()
	return r.shown(), nil
}

func (s *Service) findJob(id string) *runningJob {
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	for _, r := range s.jobs.list {
		if r.shown().ID == id {
			return r
		}
	}
	return nil
}

// ReplayAll decides all events that a query chooses by the current rules and sends
// what follows, as a job. The events are those at the start.
func (s *Service) ReplayAll(ctx context.Context, q EventQuery, confirm string) (Job, error) {
	ids, err := s.chosenEvents(ctx, q)
	if err != nil {
		return Job{}, err
	}
	return s.ReplayEvents(ctx, ids, q.target(), confirm)
}

// ReplayEvents is ReplayAll for events by their ids. target says in the audit log what
// they are.
func (s *Service) ReplayEvents(ctx context.Context, ids []string, target, confirm string) (Job, error) {
	if len(ids) == 0 || len(ids) > maxReplayed {
		return Job{}, errorf(Conflict, "choose 1 to %d events", maxReplayed)
	}
	if want := "replay " + strconv.Itoa(len(ids)); confirm != want {
		return Job{}, errorf(Invalid, "type %s to confirm: each of these may send messages once more", want)
	}
	job := Job{What: "replay", Target: target, Total: len(ids)}
	return s.run(ctx, job, func(ctx context.Context, r *runningJob) error {
		for _, id := range ids {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			replay, err := s.replay(ctx, id, true)
			if err != nil {
				r.advance(1, 0)
				continue // one that cannot be replayed keeps none of the others back
			}
			r.advance(1, replay.Messages())
		}
		return nil
	})
}

// maxReplayed is how many events are replayed at once.
const maxReplayed = 1000

// chosenEvents are the ids of accepted events that a query chooses.
func (s *Service) chosenEvents(ctx context.Context, q EventQuery) (ids []string, err error) {
	if q == (EventQuery{Limit: q.Limit}) {
		return nil, errorf(Invalid,
			"name a type, a user, a rule, an outcome or a time: this is for some events, not for all")
	}
	q.Status, q.Limit, q.Cursor = record.Accepted, maxLimit, ""
	for {
		page, err := s.Events(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range page.Events {
			ids = append(ids, page.Events[i].ID)
		}
		if len(ids) > maxReplayed {
			return nil, errorf(Invalid, "these are more than %d events: choose fewer, by since and until", maxReplayed)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return ids, nil
		}
	}
}

// BulkDryRun is what the current rules would do with several events.
type BulkDryRun struct {
	Events int `json:"events"`
	// Rules counts, for each rule, how many matched and how many messages they have.
	Rules []RuleCount `json:"rules"`
	// Confirm is what a person types to replay them.
	Confirm string `json:"confirm"`
}

// DryRunAll says what a ReplayAll would do.
func (s *Service) DryRunAll(ctx context.Context, q EventQuery) (b BulkDryRun, err error) {
	ids, err := s.chosenEvents(ctx, q)
	if err != nil {
		return b, err
	}
	return s.DryRunEvents(ctx, ids)
}

// DryRunEvents says what a ReplayEvents would do.
func (s *Service) DryRunEvents(ctx context.Context, ids []string) (b BulkDryRun, err error) {
	b.Rules = []RuleCount{}
	if len(ids) > maxReplayed {
		return b, errorf(Invalid, "choose at most %d events", maxReplayed)
	}
	b.Events, b.Confirm = len(ids), "replay "+strconv.Itoa(len(ids))
	for _, id := range ids {
		replay, err := s.replay(ctx, id, false)
		if err != nil {
			if ctx.Err() != nil {
				return b, err
			}
			continue
		}
		for i := range replay.Decisions {
			d := &replay.Decisions[i]
			if d.Outcome != "matched" {
				continue
			}
			at := slices.IndexFunc(b.Rules, func(c RuleCount) bool { return c.Rule == d.Rule })
			if at < 0 {
				at = len(b.Rules)
				b.Rules = append(b.Rules, RuleCount{Rule: d.Rule})
			}
			b.Rules[at].Matched++
			b.Rules[at].Alerts += d.Messages()
		}
	}
	return b, nil
}
