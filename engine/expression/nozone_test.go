package expression

import (
	"strings"
	"testing"

	"heed/engine/event"
)

func TestCondition_warnsOfTimesWithoutZone(t *testing.T) {
	for text, want := range map[string]string{
		`hour(now) >= 17`:                                     `hour(now, "Asia/Kolkata")`,
		`weekday(data.at) == "Monday"`:                        `weekday(data.at, "Asia/Kolkata")`,
		`format(now, "15:04") >= "17:00"`:                     `format(now, "15:04", "Asia/Kolkata")`,
		`hour(now, "UTC") >= 17`:                              "",
		`weekday(data.at, "Europe/Berlin") == "Monday"`:       "",
		`format(data.at, "2006-01-02", "UTC") > "2026-01-01"`: "",
	} {
		c, faults := NewScope([]*event.Type{wide}).Condition(text)
		switch {
		case c == nil:
			t.Errorf("%s: %+v", text, faults)
		case want == "" && len(faults) > 0:
			t.Errorf("%s: %+v", text, faults)
		case want != "" && (len(faults) != 1 || faults[0].Code != "no-zone" || !faults[0].Warning || !strings.Contains(faults[0].Hint, want)):
			t.Errorf("%s: %+v, want a hint with %s", text, faults, want)
		}
	}
	s := NewScope([]*event.Type{wide})
	if _, faults := s.Template(`{{ hour(now) }} {{ format(now, "15:04") }}`); len(faults) != 1 || faults[0].From != 3 || faults[0].Code != "no-zone" {
		t.Errorf("%+v", faults)
	}
}

func TestScope_UsesClock(t *testing.T) {
	for text, want := range map[string][2]bool{
		`data.at > now - days(1)`: {true, false}, `receivedAt > data.at`: {false, true}, `data.quizName == "now"`: {}, `data.score < 70`: {},
	} {
		s := NewScope([]*event.Type{wide})
		s.Condition(text)
		if now, receivedAt := s.TakeClockUse(); [2]bool{now, receivedAt} != want {
			t.Errorf("%s uses now: %v, receivedAt: %v, want %v", text, now, receivedAt, want)
		}
		if now, receivedAt := s.TakeClockUse(); now || receivedAt {
			t.Errorf("%s is told twice", text)
		}
	}
}
