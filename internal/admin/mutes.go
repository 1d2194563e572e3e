package admin

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/record"
	"heed/engine/state"
	"heed/engine/suggest"
)

// MuteList are the mutes, the newest first.
type MuteList struct {
	Mutes []state.Mute `json:"mutes"`
}

// MuteKey is one key of a rule. In JSON it is a text, or the list of its parts.
type MuteKey string

// UnmarshalJSON takes a text, which may hold a list, and a list.
func (k *MuteKey) UnmarshalJSON(text []byte) error {
	if state.KeyParts(string(text)) != nil {
		*k = MuteKey(text)
		return nil
	}
	return json.Unmarshal(text, (*string)(k))
}

// maxMute bounds how long a rule can be muted at once.
const maxMute = 90 * 24 * time.Hour

// Mutes lists the mutes that hold now; all also lists those that are over.
func (s *Service) Mutes(ctx context.Context, all bool) (MuteList, error) {
	mutes, err := s.o.Store.Mutes(ctx)
	now := s.o.Now()
	if !all {
		mutes = slices.DeleteFunc(mutes, func(m state.Mute) bool { return !m.Until.After(now) })
	}
	return MuteList{s.masker(ctx).mutes(orEmpty(mutes))}, err
}

// Mute keeps the alerts of a rule, or of one key of it, from being sent for a
// time.
func (s *Service) Mute(ctx context.Context, rule, key, reason string, lasting time.Duration) (state.Mute, error) {
	now := s.o.Now().UTC()
	key = s.muteKey(rule, key)
	switch {
	case rule == "":
		return state.Mute{}, errorf(Invalid, "name a rule")
	case strings.TrimSpace(reason) == "":
		return state.Mute{}, errorf(Invalid, "give a reason: whoever misses the messages will ask")
	case lasting <= 0 || lasting > maxMute:
		return state.Mute{}, errorf(Invalid, "a mute lasts from 1s to %s", state.Duration(maxMute))
	}
	if s.o.Rules != nil {
		active := s.o.Rules().Rule(rule)
		if active == nil {
			return state.Mute{}, errorf(NotFound, "there is no rule %q; %s", rule, suggest.DidYouMean(rule, s.o.Rules().Names()))
		}
		if err := checkKey(active, key); err != nil {
			return state.Mute{}, err
		}
	}
	added, err := s.o.Store.AddMute(ctx, state.Mute{
		Rule: rule, Key: key, Reason: reason, From: now,
		Until: now.Add(lasting),
	})
	s.note(ctx, "mute", "rule="+rule+" for "+state.Duration(lasting)+": "+reason, 1, err)
	if err == nil {
		s.o.Log.Info("rule muted", "rule", rule, "key", key, "reason", reason, "until",
			added.Until.Format(time.RFC3339))
	}
	return added, err
}

// muteKey returns a key in the form that the rule's alerts use. The key of a rule with
// a single per may also be written as a list.
func (s *Service) muteKey(rule, text string) string {
	if s.o.Rules != nil {
		active := s.o.Rules().Rule(rule)
		if parts := state.KeyParts(text); active != nil && len(active.AlertKey()) == 1 && len(parts) == 1 {
			return parts[0]
		}
	}
	return state.ParseKey(text)
}

// checkKey refuses a key that the rule's alerts never have.
func checkKey(rule *engine.Rule, key string) error {
	if key == "" {
		return nil
	}
	parts := rule.AlertKey()
	switch {
	case len(parts) == 0:
		return errorf(Invalid, "the rule %q has no per, so it has no keys: mute all of it", rule.Name)
	case len(parts) > 1:
		var values []string
		if json.Unmarshal([]byte(key), &values) != nil || len(values) != len(parts) {
			return errorf(Invalid, "a key of the rule %q has %d parts: write them as a JSON array, such as [\"u1\",\"q1\"]",
				rule.Name, len(parts))
		}
	}
	return nil
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
	if rule == "" {
		return Unmuted{}, errorf(Invalid, "name the rule whose mutes end")
	}
	ended, err := s.o.Store.EndMutes(ctx, rule, s.muteKey(rule, key), s.o.Now().UTC())
	if err != nil {
		return Unmuted{}, err
	}
	if len(ended) == 0 {
		return Unmuted{}, errorf(NotFound, "the rule %q is not muted", rule)
	}
	s.note(ctx, "unmute", "rule="+rule, len(ended), nil)
	s.o.Log.Info("rule unmuted", "rule", rule, "key", key)
	first := slices.MinFunc(ended, func(a, b state.Mute) int { return a.From.Compare(b.From) })
	page, err := s.Why(ctx, WhyQuery{Rule: rule, Outcome: record.Muted, Since: first.From, Limit: maxLimit})
	return Unmuted{s.masker(ctx).mutes(ended), orEmpty(page.Entries)}, err
}
