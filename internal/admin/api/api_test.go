package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"heed/engine"
	"heed/engine/document"
	"heed/engine/event"
	"heed/engine/record"
	"heed/internal/admin"
	"heed/internal/admin/access"
)

// fake is a store of one event.
type fake struct {
	admin.Store
	event record.Event
	err   error
}

func (f fake) Events(context.Context, record.EventFilter) ([]record.Event, error) {
	return []record.Event{f.event}, f.err
}

func (f fake) Event(_ context.Context, id string) (record.Event, bool, error) {
	return f.event, id == f.event.ID, f.err
}

func (f fake) EventsByID(context.Context, string) ([]record.Event, error) {
	return []record.Event{f.event}, f.err
}

func (f fake) Deliveries(context.Context, record.DeliveryFilter) ([]record.Delivery, string, error) {
	return nil, "", f.err
}

func (f fake) Delivery(_ context.Context, id string) (record.Delivery, []record.Attempt, bool, error) {
	return record.Delivery{ID: id}, nil, id == "d1", f.err
}

func (f fake) EventBySeq(_ context.Context, seq int64) (record.Event, bool, error) {
	return f.event, seq == f.event.Seq, f.err
}

func (f fake) LastGood() record.LastGood { return record.LastGood{} }

func (f fake) AddAudit(context.Context, record.Audit) error { return nil }

func (f fake) Retry(context.Context, record.DeliveryFilter, time.Time) (int, error) { return 1, f.err }

func (f fake) Discard(context.Context, record.DeliveryFilter) (int, error) { return 1, f.err }

// options are those of the service and of the listener.
type options struct {
	admin.Options
	Ready   func() error
	Metrics http.Handler
	Token   string
}

func handler(change func(*options)) http.Handler {
	o := options{Options: admin.Options{
		Store: fake{event: record.Event{
			Seq: 1, ID: "a/b", Type: "quiz.submitted", Status: record.Accepted, ReceivedAt: time.Unix(1, 0).UTC(), RuleSet: "gone",
			Body: []byte(`{"event":"quiz.submitted","data":{"n":9007199254740993}}`), Decisions: []record.Decision{{Rule: "r", Outcome: "matched"}},
		}},
		RuleSet: func(_ context.Context, hash string) (*engine.RuleSet, error) {
			return nil, errors.New("the rule set is gone")
		},
		Rules:      func() *engine.RuleSet { return engine.NewRuleSet("hash", event.Standard(), nil, nil) },
		Reload:     func(context.Context) ([]document.Problem, error) { return nil, nil },
		LastReload: func() *admin.LastReload { return &admin.LastReload{OK: true, At: time.Unix(1, 0).UTC()} },
		Now:        time.Now, Log: slog.New(slog.DiscardHandler),
	}}
	change(&o)
	gate := &access.Gate{}
	if o.Token != "" {
		tokens := &access.Tokens{}
		if err := tokens.Add("admin", access.Rules, o.Token); err != nil {
			panic(err)
		}
		if err := tokens.Add("viewer", access.Viewer, viewerToken); err != nil {
			panic(err)
		}
		gate.Tokens = func() *access.Tokens { return tokens }
	}
	return New(Options{Service: admin.New(o.Options), Ready: o.Ready, Metrics: o.Metrics, Gate: gate, Log: o.Log})
}

func call(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8081"+path, strings.NewReader(""))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestNew_answersWithJSONOrAProblem(t *testing.T) {
	open := handler(func(*options) {})
	broken := handler(func(o *options) {
		o.Store = fake{err: errors.New("disk on fire")}
		o.Ready = func() error { return errors.New("disk on fire") }
		o.Reload = func(context.Context) ([]document.Problem, error) {
			return []document.Problem{{File: "f", Line: 1, Code: "c"}}, errors.New("no")
		}
		o.LastReload = func() *admin.LastReload {
			return &admin.LastReload{
				At: time.Unix(1, 0).UTC(), Error: "no",
				Problems: []document.Problem{{File: "f", Line: 1, Code: "c"}},
			}
		}
	})
	bare := handler(func(o *options) { o.LastReload = nil })
	offline := handler(func(o *options) { o.Rules, o.Reload = nil, nil })
	for _, c := range []struct {
		h            http.Handler
		method, path string
		status       int
		holds        string
	}{
		{open, "GET", "/-/healthy", 200, "ok"},
		{open, "GET", "/-/ready", 200, "ok"},
		{open, "POST", "/-/reload", 200, `"reloaded":true`},
		{open, "GET", "/-/reload", 405, "/-/reload takes POST, not GET"},
		{open, "GET", "/-/reloads", 404, "there is nothing at GET /-/reloads"},
		{open, "GET", "/api/v1/rules", 200, `"version":"hash"`},
		{open, "GET", "/api/v1/rules", 200, `"last_reload":{"ok":true,"at":"1970-01-01T00:00:01Z","problems":[]}`},
		{broken, "GET", "/api/v1/rules", 200, `"last_reload":{"ok":false,"at":"1970-01-01T00:00:01Z","error":"no","problems":[{"file":"f","line":1`},
		{bare, "GET", "/api/v1/rules", 200, `"rules":[],"version":"hash"}`},
		{offline, "GET", "/api/v1/rules", 409, "start heed serve first"},
		{offline, "POST", "/-/reload", 409, "start heed serve first"},
		{open, "GET", "/api/v1/events", 200, `"next_cursor":""`},
		{open, "GET", "/api/v1/events?limit=0", 400, "limit is a number from 1 to 500"},
		{open, "GET", "/api/v1/events?cursor=x", 400, "cursor is not one that a page gave"},
		{open, "GET", "/api/v1/events?status=lost", 400, "status is accepted, quarantined, replayed or timed"},
		{open, "GET", "/api/v1/events/a%2Fb", 200, `"body":{"event":"quiz.submitted","data":{"n":9007199254740993}}`},
		{open, "GET", "/api/v1/events/a%2Fb", 200, `"note":"the decisions cannot be explained: the rule set is gone"`},
		{open, "GET", "/api/v1/events/a%2Fb", 200, `"decisions":[{"rule":"r","outcome":"matched","mode":"live"}]`},
		{open, "GET", "/api/v1/events/none", 404, `there is no event \"none\"`},
		{open, "GET", "/api/v1/deliveries", 200, `"deliveries":[]`},
		{open, "GET", "/api/v1/deliveries?state=lost", 400, "state is one of"},
		{open, "GET", "/api/v1/deliveries/d1", 200, `"id":"d1"`},
		{open, "GET", "/api/v1/deliveries/d2", 404, `there is no delivery \"d2\"`},
		{open, "GET", "/api/v2", 404, "there is nothing at"},
		{open, "DELETE", "/api/v1/events/a", 405, "takes GET, HEAD, not DELETE"},
		{broken, "GET", "/-/healthy", 200, "ok"},
		{broken, "GET", "/-/ready", 503, "disk on fire"},
		{broken, "POST", "/-/reload", 400, `"problems":[{"file":"f","line":1`},
		{broken, "GET", "/api/v1/events", 503, "the store cannot be read: disk on fire"},
		{broken, "GET", "/api/v1/events/a", 503, "disk on fire"},
		{broken, "GET", "/api/v1/deliveries", 503, "disk on fire"},
		{broken, "GET", "/api/v1/deliveries/d1", 503, "disk on fire"},
	} {
		w := call(c.h, c.method, c.path)
		body, _ := io.ReadAll(w.Body)
		if w.Code != c.status || !strings.Contains(string(body), c.holds) {
			t.Errorf("%s %s: %d %s, want %d with %s", c.method, c.path, w.Code, body, c.status, c.holds)
		}
		if w.Code >= 400 {
			var problem struct {
				Status        int
				Title, Detail string
			}
			if err := json.Unmarshal(body, &problem); err != nil || problem.Status != c.status || problem.Title == "" || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s: no RFC 9457 problem: %s", c.method, c.path, body)
			}
		}
	}
}

func TestNew_asksForTheTokenExceptForHealth(t *testing.T) {
	h := handler(func(o *options) {
		o.Token = "a-token-of-sixteen"
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {})
	})
	for _, path := range []string{"/api/v1/events", "/api/v1/events/a", "/metrics", "/nothing"} {
		for _, header := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Basic a-token-of-sixteen", "a-token-of-sixteen"} {
			if w := call(h, "GET", path, "Authorization", header); w.Code != http.StatusUnauthorized {
				t.Errorf("GET %s with %q: %d", path, header, w.Code)
			}
		}
	}
	if w := call(h, "POST", "/-/reload"); w.Code != http.StatusUnauthorized {
		t.Errorf("POST /-/reload without a token: %d", w.Code)
	}
	if w := call(h, "GET", "/api/v1/events", "Authorization", "Bearer a-token-of-sixteen"); w.Code != http.StatusOK {
		t.Errorf("with the token: %d", w.Code)
	}
	for _, path := range []string{"/-/healthy", "/-/ready"} {
		if w := call(h, "GET", path); w.Code != http.StatusOK {
			t.Errorf("GET %s: %d", path, w.Code)
		}
	}
}

// viewerToken is the token of somebody who may only look, where there is a Token.
const viewerToken = "a-token-of-a-viewer"

// Whoever may only look neither changes anything nor sees the memory of the process.
func TestNew_viewersOnlyLook(t *testing.T) {
	h := handler(func(o *options) { o.Token = "a-token-of-sixteen" })
	for request, want := range map[string]int{
		"GET /api/v1/events": http.StatusOK, "POST /-/reload": http.StatusForbidden,
		"POST /api/v1/deliveries/d1/retry": http.StatusForbidden, "POST /api/v1/forget": http.StatusForbidden,
		"DELETE /api/v1/mutes?rule=r": http.StatusForbidden, "GET /debug/pprof/heap": http.StatusForbidden,
		"GET /debug/pprof/profile?seconds=1": http.StatusForbidden, "GET /debug/pprof/trace": http.StatusForbidden,
	} {
		method, path, _ := strings.Cut(request, " ")
		if w := call(h, method, path, "Authorization", "Bearer "+viewerToken); w.Code != want {
			t.Errorf("%s: %d, want %d", request, w.Code, want)
		}
	}
	if w := call(h, "GET", "/debug/pprof/heap", "Authorization", "Bearer a-token-of-sixteen"); w.Code != http.StatusOK {
		t.Errorf("the profile for others: %d", w.Code)
	}
}

// A web page that somebody has open must not be able to change anything.
func TestNew_refusesRequestsOfOtherSites(t *testing.T) {
	h := handler(func(*options) {})
	if w := call(h, "POST", "/-/reload", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); w.Code != http.StatusForbidden {
		t.Errorf("from another site: %d", w.Code)
	}
	if w := call(h, "GET", "/api/v1/events", "Origin", "https://evil.example"); w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("another site may read")
	}
	r := httptest.NewRequest("GET", "http://evil.example:8081/api/v1/events", nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("by a name that somebody points at loopback: %d", w.Code)
	}
}

func (fake) Tallies(context.Context, ...time.Time) ([]record.TallySum, error) { return nil, nil }

func (fake) Failing(context.Context) (map[string]time.Time, error) { return nil, nil }

func (fake) Users(context.Context, []int64) (map[int64]string, error) { return nil, nil }

func TestNew_answersWhenAHandlerPanics(t *testing.T) {
	h := handler(func(o *options) {
		o.Reload = func(context.Context) ([]document.Problem, error) { panic("a fault") }
	})
	w := post(h, "/-/reload", "")
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "please report it") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

// A client must not take for whole what broke off in its midst.
func TestNew_breaksOffAnAnswerWhoseHandlerPanics(t *testing.T) {
	var log bytes.Buffer
	server := httptest.NewServer(handler(func(o *options) {
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, "heed_rules 1")
			if r.URL.Query().Get("name[]") == "sent" {
				_ = http.NewResponseController(w).Flush()
			}
			panic("a secret")
		})
	}))
	defer server.Close()
	for _, path := range []string{"/metrics", "/metrics?name[]=sent"} {
		response, err := http.Get(server.URL + path)
		if err != nil {
			continue // nothing of it arrived
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err == nil {
			t.Errorf("%s: %d, as if it were whole:\n%s", path, response.StatusCode, text)
		}
	}
	server.Close() // which waits for the handlers
	if n := strings.Count(log.String(), "broke inside heed"); n != 2 || strings.Contains(log.String(), "a secret") {
		t.Errorf("%d panics are in the log:\n%s", n, log.String())
	}
}

// brokenJSON cannot be written.
type brokenJSON struct{}

func (brokenJSON) MarshalJSON() ([]byte, error) { panic("a fault") }

// What cannot be written is an error, not the start of a good answer.
func TestWrite_beginsNoAnswerThatItCannotEnd(t *testing.T) {
	a := &api{Options: Options{Log: slog.New(slog.DiscardHandler)}}
	for _, body := range []any{brokenJSON{}, func() {}} {
		w := httptest.NewRecorder()
		a.serve(route{serve: func(*http.Request) (any, error) { return body, nil }})(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "please report it") {
			t.Errorf("%T: %d %s", body, w.Code, w.Body)
		}
	}
}

func TestMuteKey_isATextOrAList(t *testing.T) {
	for body, want := range map[string]string{
		`{"key":"u1"}`: "u1", `{"key":"[\"u1\",\"q1\"]"}`: `["u1","q1"]`, `{"key":["u1",3]}`: `["u1",3]`, `{}`: "",
	} {
		var mute NewMute
		if err := json.Unmarshal([]byte(body), &mute); err != nil || string(mute.Key) != want {
			t.Errorf("%s: %s, %v, want %s", body, mute.Key, err, want)
		}
	}
	if err := json.Unmarshal([]byte(`{"key":{"user":"u1"}}`), &NewMute{}); err == nil {
		t.Error("an object is no key")
	}
}
