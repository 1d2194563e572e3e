package lint

import "testing"

func TestNoZone_namesTheZone(t *testing.T) {
	expectHints(t, scopeOf(quiz), Condition, map[string]string{
		`hour(now) >= 17`:                               `name the zone: hour(now, "Asia/Kolkata")`,
		`weekday(data.at) == "Monday"`:                  `name the zone: weekday(data.at, "Asia/Kolkata")`,
		`format(now, "15:04") >= "17:00"`:               `name the zone: format(now, "15:04", "Asia/Kolkata")`,
		`hour(now, "UTC") >= 17`:                        "",
		`weekday(data.at, "Europe/Berlin") == "Monday"`: "",
	})
}

func TestNoZone_allowsFormatWhereItIsShown(t *testing.T) {
	expectHints(t, scopeOf(quiz), Value, map[string]string{`format(now, "15:04")`: "", `hour(now)`: "name the zone: hour("})
}
