package admin

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"heed/engine/record"
)

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

// chosenByCause is chosen for the dead deliveries with one cause.
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
