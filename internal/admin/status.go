package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"heed/engine/record"
	"heed/internal/plain"
)

// Status is how heed is.
type Status struct {
	// Serving says that a server runs; Ready that it takes events.
	Serving bool `json:"serving"`
	Ready   bool `json:"ready"`
	// Version is that of heed.
	Version string `json:"version,omitempty"`
	// Rules is how many rules are active, RuleSet their hash.
	Rules      int         `json:"rules"`
	RuleSet    string      `json:"rule_set,omitempty"`
	LastReload *LastReload `json:"last_reload,omitempty"`
	// LastGoodAt is when the last event came that shows that the source works.
	LastGoodAt time.Time `json:"last_good_at,omitzero"`
	// Pending counts deliveries to be sent, by action, and Dead those given up.
	Pending map[string]int `json:"pending"`
	Dead    int            `json:"dead"`
	// Timers counts what rules wait for, by rule.
	Timers map[string]int `json:"timers"`
	Muted  []string       `json:"muted"`
	// Unsubscribed are event types that rules need and the webhook does not send.
	Unsubscribed []string `json:"unsubscribed"`
	// Processes are those that share the store; empty where one has it for itself.
	Processes []record.Process `json:"processes"`
	// Problems are what needs a person, each with what to do.
	Problems []string `json:"problems"`
}

// Status says how heed is, and what needs a person.
func (s *Service) Status(ctx context.Context) (*Status, error) {
	st := &Status{
		Serving: s.o.Rules != nil, Version: s.o.Version,
		Muted: []string{}, Unsubscribed: []string{}, Problems: []string{}, Processes: []record.Process{},
	}
	if err := s.statusOfStore(ctx, st); err != nil {
		return nil, err
	}
	if !st.Serving {
		if !slices.ContainsFunc(st.Processes, func(p record.Process) bool { return !p.Gone }) {
			st.problem("no server runs with this store: start heed serve")
		}
		return st, nil
	}
	s.statusOfServer(st)
	return st, nil
}

func (st *Status) problem(format string, args ...any) {
	st.Problems = append(st.Problems, fmt.Sprintf(format, args...))
}

// statusOfStore adds what the store knows.
func (s *Service) statusOfStore(ctx context.Context, st *Status) (err error) {
	if st.Pending, err = s.o.Store.PendingByAction(ctx); err != nil {
		return err
	}
	if st.Timers, err = s.o.Store.PendingTimers(ctx); err != nil {
		return err
	}
	if st.Dead, err = s.o.Store.CountDeliveries(ctx, record.Dead); err != nil {
		return err
	}
	if st.Dead > 0 {
		st.problem("%s given up: heed deliveries list --state dead shows why", plain.Were(st.Dead, "delivery"))
	}
	st.LastGoodAt = s.o.Store.LastGood().At
	processes, err := s.o.Store.Processes(ctx)
	if err != nil {
		return err
	}
	st.addProcesses(processes)
	mutes, err := s.Mutes(ctx, false)
	for _, m := range mutes.Mutes {
		if !slices.Contains(st.Muted, m.Rule) {
			st.Muted = append(st.Muted, m.Rule)
		}
	}
	return err
}

// statusOfServer adds what a running server knows.
func (s *Service) statusOfServer(st *Status) {
	set := s.o.Rules()
	st.Rules, st.RuleSet = len(set.Rules()), set.Hash()
	if s.o.Ready != nil {
		err := s.o.Ready()
		if st.Ready = err == nil; err != nil {
			st.problem("not ready: %v", err)
		}
	}
	if s.o.LastReload != nil {
		if st.LastReload = s.o.LastReload(); st.LastReload != nil && !st.LastReload.OK {
			st.problem("the rule files as they are now are not active: %s; heed check shows the problems",
				st.LastReload.Error)
		}
	}
	if silent := s.o.Now().Sub(st.LastGoodAt); s.o.SilentAfter > 0 && !st.LastGoodAt.IsZero() && silent > s.o.SilentAfter {
		st.problem("no event came for %s: see whether the webhook is suspended", silence(silent))
	}
	if s.o.Unsubscribed != nil {
		if missing := s.o.Unsubscribed(); len(missing) > 0 {
			st.Unsubscribed = missing
			st.problem("the rules need event types that are not subscribed (%s): heed webhooks register",
				strings.Join(missing, ", "))
		}
	}
}

// silence formats how long nothing has come in, such as 13h5m or 40s.
func silence(d time.Duration) string {
	unit := time.Second
	if d >= 10*time.Minute {
		unit = time.Minute
	}
	return model.Duration(d.Round(unit)).String()
}
