package admin

import (
	"context"
	"fmt"
	"time"

	"heed/engine"
	"heed/engine/record"
)

// Promotion is what a rule in shadow mode would have sent, and the edit that
// makes it live.
type Promotion struct {
	Rule string `json:"rule"`
	record.ShadowAlerts
	File string `json:"file"`
	Line int    `json:"line"`
	Edit string `json:"edit"`
}

// Promote says what a rule in shadow mode would have sent since a time. It
// changes nothing: the rule file is the user's.
func (s *Service) Promote(ctx context.Context, name string, since time.Time) (*Promotion, error) {
	if s.o.Rules == nil {
		return nil, errNoServer
	}
	rule := s.o.Rules().Rule(name)
	switch {
	case rule == nil:
		return nil, errorf(NotFound, "there is no rule %q", name)
	case rule.Mode() != engine.ModeShadow:
		return nil, errorf(Conflict, "the rule %q is live already", name)
	}
	alerts, err := s.o.Store.ShadowAlerts(ctx, name, since)
	return &Promotion{
		Rule: name, ShadowAlerts: alerts, File: rule.File, Line: rule.ModeLine,
		Edit: fmt.Sprintf("in %s, line %d, remove: mode: shadow", rule.File, rule.ModeLine),
	}, err
}
