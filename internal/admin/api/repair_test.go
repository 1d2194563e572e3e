package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/record"
	"heed/internal/admin"
)

// repairable is a store with a delivery in each state, called by it; one that
// could not be rendered, and one that is being sent. It notes what is changed.
type repairable struct {
	fake
	admin.People
	changes []string
}

func (s *repairable) rows() []record.Delivery {
	var rows []record.Delivery
	for _, state := range record.States {
		rows = append(rows, record.Delivery{ID: string(state), State: state, Rule: "r", Action: "a", Request: []byte(`{}`)})
	}
	return append(rows,
		record.Delivery{ID: "unrendered", State: record.Dead, Rule: "r", Action: "a"},
		record.Delivery{ID: "underway", State: record.Retrying, Rule: "r", Action: "a", Request: []byte(`{}`)})
}

func (s *repairable) Delivery(_ context.Context, id string) (record.Delivery, []record.Attempt, bool, error) {
	for _, d := range s.rows() {
		if d.ID == id {
			return d, nil, true, s.err
		}
	}
	return record.Delivery{}, nil, false, s.err
}

// CountChanging counts what a retry or a discard changes.
func (s *repairable) CountChanging(_ context.Context, f record.DeliveryFilter, retry bool, _ int) (n int, err error) {
	for _, d := range s.rows() {
		chosen := (f.State == "" || d.State == f.State) && (f.Action == "" || d.Action == f.Action) &&
			(f.Rule == "" || d.Rule == f.Rule)
		changes := d.State != record.Done && d.State != record.Discarded
		if retry {
			changes = d.Request != nil && d.State != record.Pending && (d.State != record.Done || f.State == record.Done)
		}
		if chosen && changes {
			n++
		}
	}
	return n, s.err
}

func (s *repairable) Retry(_ context.Context, f record.DeliveryFilter, now time.Time) (int, error) {
	s.changes = append(s.changes, fmt.Sprint("retry ", f.ID, f.State, f.Action, f.Rule, " at ", now.Unix()))
	if f.ID == "underway" {
		return 0, s.err
	}
	return 3, s.err
}

func (s *repairable) Discard(_ context.Context, f record.DeliveryFilter) (int, error) {
	s.changes = append(s.changes, fmt.Sprint("discard ", f.ID, f.State, f.Action, f.Rule))
	return 4, s.err
}

func (s *repairable) Forget(_ context.Context, user string) (int, error) {
	s.changes = append(s.changes, "forget "+user)
	return 5, s.err
}

func post(h http.Handler, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "http://127.0.0.1:8081"+path, strings.NewReader(body)))
	return w
}

func TestChange_saysWhatWasChangedOrWhyNot(t *testing.T) {
	for _, c := range []struct {
		path, body string
		status     int
		holds      string
		changes    string
	}{
		{"deliveries/dead/retry", "", 200, `"id":"dead"`, "retry dead at 7"},
		{"deliveries/held/retry", "", 200, `"id":"held"`, "retry held at 7"},
		{"deliveries/done/retry", "", 200, `"id":"done"`, "retry done at 7"},
		{"deliveries/discarded/retry", "", 200, `"id":"discarded"`, "retry discarded at 7"},
		{"deliveries/retrying/retry", "", 200, `"id":"retrying"`, "retry retrying at 7"},
		{"deliveries/pending/retry", "", 409, "cannot be changed so: it is on its way already", ""},
		{"deliveries/underway/retry", "", 409, "it is being sent right now", "retry underway at 7"},
		{"deliveries/unrendered/retry", "", 409, "there is nothing to send: fix the rule and replay the event", ""},
		{"deliveries/none/retry", "", 404, `there is no delivery \"none\"`, ""},

		{"deliveries/dead/discard", "", 200, `"id":"dead"`, "discard dead"},
		{"deliveries/unrendered/discard", "", 200, `"id":"unrendered"`, "discard unrendered"},
		{"deliveries/done/discard", "", 409, "it is done already", ""},
		{"deliveries/discarded/discard", "", 409, "it is discarded already", ""},
		{"deliveries/none/discard", "", 404, `there is no delivery \"none\"`, ""},

		{"deliveries/retry", `{"state":"dead","action":"a","rule":"r"}`, 200, `{"changed":3}`, "retry deadar at 7"},
		{"deliveries/retry", `{"action":"a","count_only":true}`, 200, `{"matching":5}`, ""},
		{"deliveries/retry", `{"state":"done","count_only":true}`, 200, `{"matching":1}`, ""},
		{"deliveries/retry", `{"rule":"other","count_only":true}`, 200, `{"matching":0}`, ""},
		{"deliveries/retry", ``, 400, "name a state, an action or a rule", ""},
		{"deliveries/retry", `{"count_only":true}`, 400, "name a state, an action or a rule", ""},
		{"deliveries/retry", `{"state":"lost"}`, 400, "state is one of pending, retrying", ""},
		{"deliveries/retry", `{"stat":"dead"}`, 400, `unknown field \"stat\"`, ""},
		{"deliveries/retry", `[`, 400, "the body is not what this takes", ""},
		{"deliveries/retry", `{"rule":"` + strings.Repeat("x", 70<<10) + `"}`, 400, "the body is not what this takes", ""},
		{"deliveries/discard", `{"state":"dead"}`, 200, `{"changed":4}`, "discard dead"},
		{"deliveries/discard", `{"action":"a","count_only":true}`, 200, `{"matching":6}`, ""},

		{"forget", `{"user":"u-1"}`, 200, `{"events":5}`, "forget u-1"},
		{"forget", `{"user":" "}`, 400, "name the user by the userId of the events", ""},
		{"forget", ``, 400, "name the user by the userId of the events", ""},
	} {
		s := &repairable{}
		h := handler(func(o *options) {
			o.Store, o.People, o.Now = s, s, func() time.Time { return time.Unix(7, 0) }
		})
		w := post(h, "/api/v1/"+c.path, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.holds) {
			t.Errorf("%s %.80s: %d %s, want %d with %s", c.path, c.body, w.Code, w.Body, c.status, c.holds)
		}
		if got := strings.Join(s.changes, ", "); got != c.changes {
			t.Errorf("%s %.80s changed %q, want %q", c.path, c.body, got, c.changes)
		}
		if get := call(h, "GET", "/api/v1/"+c.path+"/"); get.Code != http.StatusNotFound {
			t.Errorf("GET %s: %d", c.path, get.Code)
		}
	}
}

func TestChange_saysThatTheStoreIsBroken(t *testing.T) {
	h := handler(func(o *options) {
		s := &repairable{fake: fake{err: errors.New("disk on fire")}}
		o.Store, o.People = s, s
		o.Replay = func(context.Context, record.Event, bool) ([]engine.Decision, []record.Delivery, error) {
			return nil, nil, nil
		}
	})
	for path, body := range map[string]string{
		"deliveries/dead/retry": "", "deliveries/dead/discard": "", "deliveries/retry": `{"state":"dead"}`, "deliveries/discard": `{"state":"dead","count_only":true}`,
		"forget": `{"user":"u"}`, "events/a/replay": `{"send":true}`,
	} {
		if w := post(h, "/api/v1/"+path, body); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "disk on fire") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestReplay_isShownAndSentByTheActiveRules(t *testing.T) {
	rule := &engine.Rule{Name: "low"}
	var asked []bool
	h := handler(func(o *options) {
		o.Replay = func(_ context.Context, e record.Event, send bool) ([]engine.Decision, []record.Delivery, error) {
			asked = append(asked, send)
			return []engine.Decision{
				{Rule: &engine.Rule{Name: "quiet"}, Outcome: engine.NotMatched},
				{Rule: rule, Outcome: engine.Matched, Requests: []engine.Request{{Action: "hook", Kind: "http", Body: []byte(`{"url":"u"}`)}, {Action: "mail", Problem: "no address"}}},
			}, []record.Delivery{{ID: "d1"}, {ID: "d2"}}, nil
		}
	})
	for body, sent := range map[string]bool{"": false, `{"send":false}`: false, `{"send":true}`: true} {
		asked = nil
		w := post(h, "/api/v1/events/a%2Fb/replay", body)
		var got admin.Replay
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		ids := []string{"", ""}
		if sent {
			ids = []string{"d1", "d2"}
		}
		low := got.Decisions[1]
		if got.ID != "a/b" || got.Event != "quiz.submitted" || got.Sent != sent || len(asked) != 1 || asked[0] != sent ||
			len(got.Decisions[0].Actions) != 0 ||
			low.Rule != "low" || low.Actions[0].Delivery != ids[0] || low.Actions[1].Delivery != ids[1] || low.Actions[1].Problem != "no address" {
			t.Errorf("%s: %s", body, w.Body)
		}
	}
	if w := post(h, "/api/v1/events/none/replay", ""); w.Code != http.StatusNotFound {
		t.Errorf("an event that is not there: %d %s", w.Code, w.Body)
	}
	if w := post(h, "/api/v1/events/a%2Fb/replay", `{"sent":true}`); w.Code != http.StatusBadRequest {
		t.Errorf("a request that is not one: %d %s", w.Code, w.Body)
	}
}

func TestReplay_saysWhyItCannotBeDone(t *testing.T) {
	offline := handler(func(*options) {})
	if w := post(offline, "/api/v1/events/a%2Fb/replay", ""); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "start heed serve first") {
		t.Errorf("without a server: %d %s", w.Code, w.Body)
	}
	garbage := handler(func(o *options) {
		o.Replay = func(context.Context, record.Event, bool) ([]engine.Decision, []record.Delivery, error) {
			return nil, nil, fmt.Errorf("it cannot be replayed: %w", &event.DecodeError{Detail: "the body is no JSON"})
		}
	})
	if w := post(garbage, "/api/v1/events/a%2Fb/replay", ""); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "the body is no JSON") {
		t.Errorf("garbage: %d %s", w.Code, w.Body)
	}
	full := handler(func(o *options) {
		o.Replay = func(context.Context, record.Event, bool) ([]engine.Decision, []record.Delivery, error) {
			return nil, nil, errors.New("disk full")
		}
	})
	if w := post(full, "/api/v1/events/a%2Fb/replay", `{"send":true}`); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "disk full") {
		t.Errorf("with a full disk: %d %s", w.Code, w.Body)
	}
}
