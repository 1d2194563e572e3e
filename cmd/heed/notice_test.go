package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"heed/engine/record"
)

// What happens to heed itself comes to a rule: a dead delivery, an event that
// was set aside, rules that were rejected. What becomes of such an event makes
// no other.
func TestWhatHappensToHeedItselfIsAnEvent(t *testing.T) {
	refusing := newSink(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	rules := fmt.Sprintf(`
actions:
  gone: {http: {url: %q, allow_private: true}}
rules:
  - {name: every-quiz, on: quiz.submitted, do: [{action: gone, json: {user: "{{ data.userId }}"}}]}
  - {name: tell, on: [heed.delivery.dead, heed.event.quarantined, heed.rules.rejected], do: [{action: gone, json: {told: "{{ data.message }}"}}]}
`, refusing.URL)
	s := startServer(t, rules)
	s.post("e1", `{"event":"quiz.submitted","data":{"userId":"u1"}}`)
	s.settled("e1")
	told := func(eventType string) record.Event {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
			var page struct{ Events []record.Event }
			s.get("/api/v1/events?type="+eventType, &page)
			if len(page.Events) > 0 {
				return page.Events[0]
			}
			time.Sleep(5 * time.Millisecond) // polling what another process would poll
		}
		t.Fatalf("no event %s came", eventType)
		return record.Event{}
	}
	dead := told("heed.delivery.dead")
	if dead := s.event(dead.ID); !strings.Contains(string(dead.Body), `"kind":"http"`) {
		t.Errorf("the word on the dead delivery does not tell the action's kind: %s", dead.Body)
	}
	deliveries := s.settled(dead.ID)
	if len(deliveries) != 1 || deliveries[0].State != record.Dead || !strings.Contains(string(deliveries[0].Request), "A delivery of the rule every-quiz by the action gone was given up") {
		t.Errorf("the word on the dead delivery is %+v", deliveries)
	}

	if got := s.post("e2", `{"event":"heed.delivery.dead","data":{"message":"<!channel>"}}`); got.body != `{"received": true, "quarantined": "reserved_type"}` {
		t.Errorf("an event of heed's own from outside: %v", got)
	}
	if e := s.event(told("heed.event.quarantined").ID); !strings.Contains(string(e.Body), `"reason":"reserved_type"`) {
		t.Errorf("the word on the quarantined event is %s", e.Body)
	}

	if err := os.WriteFile(s.app.Rules, []byte("rules: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	if e := s.event(told("heed.rules.rejected").ID); !strings.Contains(string(e.Body), "this is not YAML") || e.Decisions[0].Outcome != "matched" {
		t.Errorf("the word on the rejected rules is %s, %+v", e.Body, e.Decisions)
	}

	// The deliveries of these are dead as well, and nobody says so.
	var page struct{ Events []record.Event }
	s.get("/api/v1/events?status=accepted&type=heed.delivery.dead", &page)
	if len(page.Events) != 1 {
		t.Errorf("there are %d words on dead deliveries", len(page.Events))
	}
}
