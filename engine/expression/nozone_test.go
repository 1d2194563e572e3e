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
	for text, want := range map[string]bool{
		`data.at > now - days(1)`: true, `receivedAt > data.at`: true, `data.quizName == "now"`: false, `data.score < 70`: false,
	} {
		s := NewScope([]*event.Type{wide})
		s.Condition(text)
		if got := s.UsesClock(); got != want || s.UsesClock() {
			t.Errorf("%s uses the clock: %v, want %v, and only once", text, got, want)
		}
	}
}
