package state

import "time"

// The longest that periods of the calendar are.
const (
	day   = 24 * time.Hour
	month = 31 * day
)

// Span is how far back the rows of the rule can reach: what an event changes may
// matter for that long.
func (s *Settings) Span() (longest time.Duration) {
	if c := s.Count; c != nil {
		longest = max(longest, c.keep(Clock{}))
	}
	if w := s.Wait; w != nil {
		for _, step := range w.Steps {
			if longest = max(longest, step.Offset+day); step.Before {
				longest = max(longest, keepMembers) // a deadline may be far away
			}
		}
	}
	if s.Digest != nil {
		longest = max(longest, month)
	}
	if t := s.Throttle; t != nil {
		switch {
		case t.Within > 0:
			longest = max(longest, t.Within)
		case t.Every != "":
			longest = max(longest, month)
		default:
			longest = max(longest, keepMembers)
		}
	}
	return longest
}
