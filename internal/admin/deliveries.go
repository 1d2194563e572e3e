package admin

import (
	"context"
	"math"
	"slices"
	"strings"

	"heed/actions/delivery"
	"heed/engine/record"
)

// Delivery is a delivery with its attempts, where they were asked for.
type Delivery struct {
	record.Delivery
	History []record.Attempt `json:"history,omitempty"`
}

// DeliveryPage is a page of deliveries, those of the newest events first.
type DeliveryPage struct {
	Deliveries []record.Delivery `json:"deliveries"`
	// Next is the cursor of the next page; empty on the last.
	Next string `json:"next_cursor"`
}

// Selection chooses deliveries. Empty fields choose all.
type Selection struct {
	State  record.State `json:"state"`
	Action string       `json:"action"`
	Rule   string       `json:"rule"`
	// Cause chooses dead deliveries by what is common to their errors; see Problems.
	Cause string `json:"cause,omitempty"`
	// Look, if not 0, is how many deliveries are looked at for a page of those of a
	// rule or an action: it may then have fewer than there are, and its cursor
	// continues there.
	Look int `json:"-"`
}

func (c Selection) filter() (record.DeliveryFilter, error) {
	if c.State != "" && !slices.Contains(record.States, c.State) {
		var names []string
		for _, state := range record.States {
			names = append(names, string(state))
		}
		return record.DeliveryFilter{}, errorf(Invalid, "state is one of %s", strings.Join(names, ", "))
	}
	return record.DeliveryFilter{State: c.State, Action: c.Action, Rule: c.Rule}, nil
}

// Deliveries lists deliveries, after those of the page that gave the cursor.
func (s *Service) Deliveries(
	ctx context.Context, c Selection, cursor string, limit int,
) (page DeliveryPage, err error) {
	f, err := c.filter()
	if err == nil {
		err = checkLimit(limit)
	}
	if err == nil && c.Cause != "" {
		return s.deadByCause(ctx, c, cursor, limit)
	}
	if err != nil {
		return page, err
	}
	f.Before, f.Limit, f.Look = cursor, limit, c.Look
	page.Deliveries, page.Next, err = s.o.Store.Deliveries(ctx, f)
	page.Deliveries = orEmpty(page.Deliveries)
	m := s.masker(ctx)
	for i := range page.Deliveries {
		page.Deliveries[i] = s.shown(page.Deliveries[i]).Delivery
		m.recordedIfMasked(&page.Deliveries[i])
	}
	return page, err
}

// shown returns a delivery as people see it: without a wait that is over, and with a
// missing action as the first thing it waits for.
func (s *Service) shown(d record.Delivery) Delivery {
	isWaiting := d.State == record.Pending || d.State == record.Retrying
	if isWaiting && s.o.HasAction != nil && !s.o.HasAction(d.Action) {
		d.Waits = &record.Wait{For: delivery.WaitAction}
	}
	if d.Waits != nil && !d.Waits.Until.IsZero() && d.Waits.Until.Before(s.o.Now()) {
		d.Waits = nil
	}
	return Delivery{Delivery: d}
}

// deliveriesOf lists all deliveries of an event in the order of the rules.
func (s *Service) deliveriesOf(ctx context.Context, seq int64) ([]Delivery, error) {
	all, _, err := s.o.Store.Deliveries(ctx, record.DeliveryFilter{EventSeq: seq})
	list := make([]Delivery, 0, len(all))
	for _, d := range slices.Backward(all) {
		list = append(list, s.shown(d))
	}
	return list, err
}

// Delivery returns a delivery with its attempts.
func (s *Service) Delivery(ctx context.Context, id string) (Delivery, error) {
	d, attempts, ok, err := s.o.Store.Delivery(ctx, id)
	if err != nil {
		return Delivery{}, err
	}
	if !ok {
		return Delivery{}, errorf(NotFound, "there is no delivery %q", id)
	}
	shown := s.shown(d)
	shown.History = orEmpty(attempts)
	if m := s.masker(ctx); m != nil {
		e, _, err := s.o.Store.EventBySeq(ctx, d.EventSeq)
		if err != nil {
			return Delivery{}, err
		}
		m.learn(&e)
		m.delivery(&shown)
	}
	return shown, nil
}

// Retry makes a delivery due now and returns it as it is then.
func (s *Service) Retry(ctx context.Context, id string) (Delivery, error) {
	return s.change(ctx, s.retry(), id)
}

// Discard takes a delivery out, so that it is never sent, and returns it as it is
// then.
func (s *Service) Discard(ctx context.Context, id string) (Delivery, error) {
	return s.change(ctx, s.discard(), id)
}

// RetryAll makes the chosen deliveries due now and returns how many; with count
// it only counts them. What was sent is chosen only by its state.
func (s *Service) RetryAll(ctx context.Context, c Selection, count bool) (int, error) {
	return s.changeAll(ctx, s.retry(), c, count)
}

// DiscardAll takes the chosen deliveries out and returns how many; with count it
// only counts them.
func (s *Service) DiscardAll(ctx context.Context, c Selection, count bool) (int, error) {
	return s.changeAll(ctx, s.discard(), c, count)
}

// change is what a person does to deliveries.
type change struct {
	name string
	// obstacle says why a delivery cannot be changed so; empty if it can.
	obstacle func(*record.Delivery) string
	apply    func(context.Context, record.DeliveryFilter) (int, error)
}

func (s *Service) retry() change {
	return change{"retry", func(d *record.Delivery) string {
		switch {
		case d.State == record.Pending:
			return "it is on its way already"
		case len(d.Request) == 0:
			return "it could not be rendered, so there is nothing to send: fix the rule and replay the event"
		default:
			return ""
		}
	}, func(ctx context.Context, f record.DeliveryFilter) (int, error) {
		return s.o.Store.Retry(ctx, f, s.o.Now())
	}}
}

func (s *Service) discard() change {
	return change{"discard", func(d *record.Delivery) string {
		if d.State == record.Done || d.State == record.Discarded {
			return "it is " + string(d.State) + " already"
		}
		return ""
	}, s.o.Store.Discard}
}

// changes returns what a person can do to deliveries, by name.
func (s *Service) changes() map[string]change {
	return map[string]change{"retry": s.retry(), "discard": s.discard()}
}

func (s *Service) change(ctx context.Context, c change, id string) (d Delivery, err error) {
	defer func() { s.note(ctx, c.name, "delivery="+id, 1, err) }()
	d, err = s.Delivery(ctx, id)
	if err != nil {
		return Delivery{}, err
	}
	changed, reason := 0, c.obstacle(&d.Delivery)
	if reason == "" {
		reason = "it is being sent right now"
		if changed, err = c.apply(ctx, record.DeliveryFilter{ID: id}); err != nil {
			return Delivery{}, err
		}
	}
	if changed == 0 {
		return Delivery{}, errorf(Conflict, "the delivery %s cannot be changed so: %s", id, reason)
	}
	s.o.Log.Info("delivery changed by a person", "change", c.name, "delivery", id, "event", d.EventID,
		"rule", d.Rule, "action", d.Action, "kind", d.Kind, "was", d.State)
	return s.Delivery(ctx, id)
}

func (s *Service) changeAll(ctx context.Context, c change, chosen Selection, count bool) (n int, err error) {
	if chosen.Cause != "" {
		return 0, errorf(Invalid, "deliveries with one cause are changed by a job: see the page Problems")
	}
	if chosen == (Selection{}) {
		return 0, errorf(Invalid, "name a state, an action or a rule: this is for some deliveries, not for all")
	}
	f, err := chosen.filter()
	if err != nil {
		return 0, err
	}
	if count {
		return s.o.Store.CountChanging(ctx, f, c.name == "retry", math.MaxInt)
	}
	defer func() { s.note(ctx, c.name, chosen.Target(), n, err) }()
	if n, err = c.apply(ctx, f); err == nil {
		s.o.Log.Info("deliveries changed by a person", "change", c.name,
			"state", f.State, "action", f.Action, "rule", f.Rule, "count", n)
	}
	return n, err
}
