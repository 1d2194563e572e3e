package admin

import (
	"context"
	"slices"
	"strconv"

	"heed/engine/record"
)

// ReplayAll decides all events that a query chooses by the current rules and sends
// what follows, as a job. The events are those at the start.
func (s *Service) ReplayAll(ctx context.Context, q EventQuery, confirm string) (Job, error) {
	ids, err := s.chosenEvents(ctx, q)
	if err != nil {
		return Job{}, err
	}
	return s.ReplayEvents(ctx, ids, q.target(), confirm)
}

// ReplayEvents replays events by their ids, as ReplayAll does. target describes them in
// the audit log.
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

// chosenEvents returns the ids of the accepted events that a query chooses.
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
