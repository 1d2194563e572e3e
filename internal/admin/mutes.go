package admin

import (
	"context"
	"slices"
	"strings"
	"time"

	"heed/engine/record"
	"heed/engine/state"
)

// MuteList are the mutes, the newest first.
type MuteList struct {
	Mutes []state.Mute `json:"mutes"`
}

// MaxMute bounds how long a rule can be muted at once.
const MaxMute = 90 * 24 * time.Hour

// Mutes lists the mutes that hold now; all also lists those that are over.
func (s *Service) Mutes(ctx context.Context, all bool) (MuteList, error) {
	mutes, err := s.o.Store.Mutes(ctx)
	now := s.o.Now()
	if !all {
		mutes = slices.DeleteFunc(mutes, func(m state.Mute) bool { return !m.Until.After(now) })
	}
	return MuteList{orEmpty(mutes)}, err
}

// Mute keeps the alerts of a rule, or of one key of it, from being sent for a
// time.
func (s *Service) Mute(ctx context.Context, rule, key, reason string, lasting time.Duration) (state.Mute, error) {
	now := s.o.Now().UTC()
	key = state.ParseKey(key)
	switch {
	case rule == "":
		return state.Mute{}, errorf(Invalid, "name a rule")
	case strings.TrimSpace(reason) == "":
		return state.Mute{}, errorf(Invalid, "give a reason: whoever misses the messages will ask")
	case lasting <= 0 || lasting > MaxMute:
		return state.Mute{}, errorf(Invalid, "say how long, from 1s to %s", state.Duration(MaxMute))
	}
	if s.o.Rules != nil {
		active := s.o.Rules().Rule(rule)
		if active == nil {
			return state.Mute{}, errorf(NotFound, "there is no rule %q", rule)
		}
		if key != "" && active.Time == nil {
			return state.Mute{}, errorf(Invalid, "the rule %q has no keys: mute all of it", rule)
		}
	}
	return s.o.Store.AddMute(ctx, state.Mute{Rule: rule, Key: key, Reason: reason, From: now, Until: now.Add(lasting)})
}

// Unmuted is what the end of a mute shows.
type Unmuted struct {
	// Mutes are those that were ended.
	Mutes []state.Mute `json:"mutes"`
	// Missed are the alerts that were not sent because of them, newest first.
	Missed []WhyEntry `json:"missed"`
}

// Unmute ends the mutes of a rule, or of one key of it, and lists what was not
// sent.
func (s *Service) Unmute(ctx context.Context, rule, key string) (Unmuted, error) {
	ended, err := s.o.Store.EndMutes(ctx, rule, state.ParseKey(key), s.o.Now().UTC())
	if err != nil {
		return Unmuted{}, err
	}
	if len(ended) == 0 {
		return Unmuted{}, errorf(NotFound, "the rule %q is not muted", rule)
	}
	since := ended[0].From
	for _, m := range ended {
		if m.From.Before(since) {
			since = m.From
		}
	}
	page, err := s.Why(ctx, WhyQuery{Rule: rule, Outcome: record.Muted, Since: since, Limit: MaxLimit})
	return Unmuted{ended, orEmpty(page.Entries)}, err
}
