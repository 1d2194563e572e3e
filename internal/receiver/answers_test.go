package receiver

import (
	"encoding/json"
	"testing"

	"heed/engine/intake"
	"heed/engine/source"
)

func TestHandler_answersOtherSourcesWithCounts(t *testing.T) {
	stored, known := intake.Answer{}, intake.Answer{Duplicate: true}
	aside, asideAgain := intake.Answer{Quarantined: "x"}, intake.Answer{Quarantined: "x", Duplicate: true}
	mapped := source.MindtickleSource()
	mapped.Mapping = &source.Mapping{}
	for name, c := range map[string]struct {
		events []intake.Answer
		want   string
	}{
		"none": {
			[]intake.Answer{},
			`{"received": true, "events": 0, "new": 0, "duplicates": 0, "quarantined": 0}`,
		},
		"one": {
			[]intake.Answer{stored},
			`{"received": true, "events": 1, "new": 1, "duplicates": 0, "quarantined": 0}`,
		},
		"of each": {
			[]intake.Answer{stored, known, aside, asideAgain, stored},
			`{"received": true, "events": 5, "new": 2, "duplicates": 2, "quarantined": 1}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, fixedKeys(t, testSecret))
			g.env.Store("TOKEN", "token")
			g.activate(mapped, bearerSource("partner", "/webhooks/partner", "TOKEN"))
			g.events = c.events
			for who, got := range map[string]reply{
				"a source":                     do(t, g.post(t, authorized("Bearer token"), "{}")),
				"the published one, if mapped": do(t, g.delivery(t, testSecret, testBody)),
			} {
				if got.Status != 200 || got.Body != c.want || !json.Valid([]byte(got.Body)) {
					t.Errorf("%s: got %d %s", who, got.Status, got.Body)
				}
			}
			if len(g.answered) != 2*len(c.events) {
				t.Errorf("observed %+v", g.answered)
			}
		})
	}
}
