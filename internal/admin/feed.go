package admin

import (
	"context"
	"slices"
	"sync"
	"time"

	"heed/engine/record"
)

// Fresh are events that came since a moment, the oldest first.
type Fresh struct {
	Events []ListedEvent `json:"events"`
	// More is how many others came that are not among them, of all that were looked at.
	More int `json:"more,omitempty"`
	// Seq is that of the newest event: a feed that was cut off continues after it.
	Seq int64 `json:"seq"`
}

const (
	// feedEvery is how often the store is looked at while somebody follows, and
	// feedRows how many events are shown each time.
	feedEvery = time.Second
	feedRows  = 5
	// feedLook bounds how many events are looked at each time.
	feedLook = 200
	// maxFollowers bounds how many feeds there are.
	maxFollowers = 200
)

// feed looks at the store once for all who follow, and not at all if nobody does.
type feed struct {
	mu        sync.Mutex
	followers map[chan []ListedEvent]bool
	stop      context.CancelFunc // of the goroutine that polls; nil if none runs
	ended     bool
}

// Follow calls send with events that come after a number and that a query chooses,
// until the context ends, send fails, or EndFeeds is called. Without a number it
// begins with what comes next. What would be more than a person can read is counted
// only. At the start, and now and then
// between events, it calls idle.
func (s *Service) Follow(
	ctx context.Context, q EventQuery, after int64, send func(Fresh) error, idle func() error,
) error {
	matches, err := s.matcher(ctx, q)
	if err != nil {
		return err
	}
	news, err := s.feed.join(s)
	if err != nil {
		return err
	}
	defer s.feed.leave(news)
	if err := idle(); err != nil { // so that whoever follows knows that it has begun
		return err
	}
	if after > 0 {
		missed, err := s.since(ctx, after)
		if err != nil {
			return err
		}
		if err := s.tell(missed, &after, matches, send); err != nil {
			return err
		}
	}
	quiet := time.NewTicker(15 * time.Second)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-quiet.C:
			if err := idle(); err != nil {
				return err
			}
		case events, open := <-news:
			if !open {
				return nil // heed stops
			}
			if err := s.tell(events, &after, matches, send); err != nil {
				return err
			}
		}
	}
}

// tell sends what is new of some events, which come newest first. The events are
// shared by all who follow.
func (s *Service) tell(
	events []ListedEvent, after *int64, matches func(*ListedEvent) (ListedEvent, bool), send func(Fresh) error,
) error {
	f := Fresh{Events: []ListedEvent{}, Seq: *after}
	for i := range events {
		if events[i].Seq <= *after {
			break
		}
		f.Seq = max(f.Seq, events[i].Seq)
		shown, ok := matches(&events[i])
		switch {
		case !ok:
		case len(f.Events) < feedRows:
			f.Events = append(f.Events, shown)
		default:
			f.More++
		}
	}
	*after = f.Seq
	if len(f.Events) == 0 {
		return nil
	}
	slices.Reverse(f.Events)
	return send(f)
}

// since returns the events after a number, newest first.
func (s *Service) since(ctx context.Context, after int64) ([]ListedEvent, error) {
	events, err := s.o.Store.Events(ctx, record.EventFilter{After: after, Limit: feedLook})
	if err != nil {
		return nil, err
	}
	return s.listed(ctx, events, nil)
}

// matcher says whether a query chooses an event, and shows it to whoever asks.
func (s *Service) matcher(ctx context.Context, q EventQuery) (func(*ListedEvent) (ListedEvent, bool), error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	user, m := s.user(ctx, q.User), s.masker(ctx)
	return func(e *ListedEvent) (ListedEvent, bool) {
		decided := q.Rule == "" && q.Outcome == "" || slices.ContainsFunc(e.Event.Decisions, func(d record.Decision) bool {
			return (q.Rule == "" || d.Rule == q.Rule) && (q.Outcome == "" || d.Outcome == q.Outcome ||
				slices.ContainsFunc(d.Effects, func(f record.Effect) bool { return f.Effect == q.Outcome }))
		})
		shown := *e
		shown.User, shown.Detail = m.id(e.User), m.text(e.Detail)
		return shown, decided && (q.Type == "" || q.Type == e.Type) && (q.Source == "" || q.Source == e.Source) &&
			(q.Status == "" || q.Status == e.Status) && (user == "" || user == e.User)
	}, nil
}

func (f *feed) join(s *Service) (chan []ListedEvent, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.ended:
		return nil, errorf(Conflict, "heed is stopping")
	case len(f.followers) >= maxFollowers:
		return nil, errorf(Conflict, "%d others follow already: close one of them", maxFollowers)
	}
	news := make(chan []ListedEvent, 4)
	if f.followers == nil {
		f.followers = map[chan []ListedEvent]bool{}
	}
	f.followers[news] = true
	if f.stop == nil {
		ctx, stop := context.WithCancel(context.Background())
		f.stop = stop
		go s.lookOut(ctx)
	}
	return news, nil
}

func (f *feed) leave(news chan []ListedEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if delete(f.followers, news); len(f.followers) == 0 && f.stop != nil {
		f.stop()
		f.stop = nil
	}
}

// lookOut reads what is new once a second and gives it to all who follow. Whoever
// is too slow misses some.
func (s *Service) lookOut(ctx context.Context) {
	ticker := time.NewTicker(feedEvery)
	defer ticker.Stop()
	last := int64(-1)
	for {
		newest, err := s.o.Store.Events(ctx, record.EventFilter{After: max(last, 0), Limit: 1})
		switch {
		case err != nil && ctx.Err() == nil:
			s.o.Log.Warn("the live feed cannot read the store", "error", err)
		case len(newest) > 0 && last < 0: // what came before is on the page
			last = newest[0].Seq
		case last < 0:
			last = 0
		case len(newest) > 0:
			events, err := s.since(ctx, last)
			if err == nil && len(events) > 0 {
				last = events[0].Seq
				s.feed.publish(events)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (f *feed) publish(events []ListedEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for news := range f.followers {
		select {
		case news <- events:
		default:
		}
	}
}

// EndFeeds ends all feeds: heed stops.
func (s *Service) EndFeeds() {
	f := &s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	for news := range f.followers {
		close(news)
	}
	f.followers = nil
	if f.stop != nil {
		f.stop()
		f.stop = nil
	}
}
