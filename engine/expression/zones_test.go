package expression

import (
	"strings"
	"testing"

	"heed/engine/event"
)

func TestATimeZoneThatThereIsNotIsAnErrorEverywhere(t *testing.T) {
	for _, call := range []string{`hour(now, ZONE) > 2`, `weekday(now, ZONE) == "Monday"`, `format(now, "15:04", ZONE) > "17:00"`} {
		for zone, hint := range map[string]string{
			"Berlin": "write Europe/Berlin", "berlin": "write Europe/Berlin", "New York": "write America/New_York", "new_york": "write America/New_York",
			"europe/berlin": "write Europe/Berlin", "India": "write Asia/Kolkata", "Asia/Kolkatta": "write Asia/Kolkata", "PST": "write America/Los_Angeles",
			"America/Buenos Aires": "write America/Buenos_Aires", "CET+1": "a fixed offset is no zone: write a region", "UTC-5": "a fixed offset", "+05:30": "a fixed offset",
			"": "write a region and a city", "Local": "the machine's own zone", "Bielefeld": "write a region and a city",
		} {
			text := strings.ReplaceAll(call, "ZONE", `"`+zone+`"`)
			c, faults := NewScope([]*event.Type{wide}).Condition(text)
			if c != nil || len(faults) != 1 || faults[0].Code != "bad-zone" || !strings.HasPrefix(faults[0].Hint, hint) {
				t.Errorf("%s: %+v, want the hint %q", text, faults, hint)
			}
		}
		for _, zone := range []string{"UTC", "Europe/Berlin", "Asia/Kolkata", "CET", "Etc/GMT+1"} {
			text := strings.ReplaceAll(call, "ZONE", `"`+zone+`"`)
			if c, faults := NewScope([]*event.Type{wide}).Condition(text); c == nil {
				t.Errorf("%s: %v", text, faults)
			}
		}
	}
}
