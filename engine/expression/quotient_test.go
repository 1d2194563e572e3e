package expression

import (
	"testing"

	"heed/engine/event"
)

func TestCondition_warnsOfAQuotientThatIsMultiplied(t *testing.T) {
	for text, want := range map[string]string{
		`data.score / data.maxScore * 100 >= 57`:     "write percent(data.score, data.maxScore)",
		`57 <= 100 * (data.score / data.maxScore)`:   "write percent(data.score, data.maxScore)",
		`data.score / data.maxScore * 20 == 12`:      "multiply first: data.score * 20 / data.maxScore",
		`data.score * 100 / data.maxScore >= 57`:     "",
		`data.score / data.maxScore >= 0.57`:         "",
		`(data.score + 1) / data.maxScore * 2 >= 57`: "",
	} {
		c, faults := NewScope([]*event.Type{wide}).Condition(text)
		switch {
		case c == nil || want == "" && len(faults) > 0:
			t.Errorf("%s: %+v", text, faults)
		case want != "" && (len(faults) != 1 || faults[0].Hint != want || !faults[0].Warning):
			t.Errorf("%s: %+v, want %s", text, faults, want)
		}
	}
}
