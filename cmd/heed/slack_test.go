package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"heed/actions/slack"
	"heed/engine/record"
	"heed/internal/app"
)

// TestASlackThreadOutlivesTheServer sends two messages with one key by one heed
// and a third by the next, which has the same store.
func TestASlackThreadOutlivesTheServer(t *testing.T) {
	var count atomic.Int64
	workspace := newSink(t, func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		ts, thread := fmt.Sprintf("%d.5", count.Add(1)), r.Form.Get("thread_ts")
		fmt.Fprintf(w, `{"ok":true,"channel":"C1","ts":%q,"message":{"ts":%q,"thread_ts":%q}}`, ts, ts, thread)
	})
	t.Setenv("TEST_SLACK_TOKEN", "xoxb-canary-token")
	rules := fmt.Sprintf(`
actions:
  coaching:
    slack: {token: {env: TEST_SLACK_TOKEN}, channel: "#coaching", api_url: %q, allow_private: true, rate: 1000/s}
rules:
  - name: low-quiz-score
    on: quiz.submitted
    do: [{action: coaching, text: "{{ data.userId }}", thread_per: data.quizId}]
`, workspace.URL)
	quiz := func(s *server, id, quiz string) {
		s.post(id, fmt.Sprintf(`{"event":"quiz.submitted","companyId":"c1","data":{"userId":%q,"quizId":%q}}`, id, quiz))
		d := s.settled(id)[0]
		var r slack.Request
		if err := json.Unmarshal(d.Request, &r); err != nil || d.State != record.Done || r.Thread != quiz {
			t.Fatalf("%s is %s: %s %s %v", id, d.State, d.LastError, d.Request, err)
		}
	}
	first := startServer(t, rules)
	quiz(first, "e1", "q1")
	quiz(first, "e2", "q2")
	quiz(first, "e3", "q1")
	first.stop()
	second := startServer(t, rules, func(o *app.Options) { o.Data = first.app.Data })
	quiz(second, "e4", "q2")
	var got []string
	for _, c := range workspace.got() {
		form, err := url.ParseQuery(c.body)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, form.Get("text")+" in "+form.Get("thread_ts"))
	}
	if want := "e1 in , e2 in , e3 in 1.5, e4 in 2.5"; strings.Join(got, ", ") != want {
		t.Errorf("posted were %s; want %s", strings.Join(got, ", "), want)
	}
}
