package httpcall_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/actions"
	"heed/actions/actiontest"
)

// local is a configuration for a sink, with more keys.
func local(url, more string) string {
	return fmt.Sprintf("http: {url: %q, allow_private: true%s}", url, more)
}

func TestACallArrivesAsItWasRendered(t *testing.T) {
	for name, c := range map[string]struct {
		step string
		want call
	}{
		"json": {
			`{path: "/users/{{ data.userId }}", json: {score: "{{ data.score }}", big: 9007199254740993, text: "<{{ data.quizName }}>"}}`,
			call{Method: "POST", URI: "/api/users/u%2F1", Header: http.Header{"Content-Type": {"application/json"}}, Body: `{"score":61,"big":9007199254740993,"text":"<A & ä>"}`},
		},
		"null":     {`json: "{{ data.quizType }}"`, call{Method: "POST", URI: "/api", Header: http.Header{"Content-Type": {"application/json"}}, Body: `null`}},
		"false":    {`json: false`, call{Method: "POST", URI: "/api", Header: http.Header{"Content-Type": {"application/json"}}, Body: `false`}},
		"form":     {`form: {q: "{{ data.quizName }}"}`, call{Method: "POST", URI: "/api", Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: `q=A+%26+%C3%A4`}},
		"text":     {`{method: PUT, body: "{{ data.quizName }}\n"}`, call{Method: "PUT", URI: "/api", Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, Body: "A & ä\n"}},
		"no body":  {`{method: DELETE, path: /x, query: {b: 2, a: "{{ data.userId }}"}}`, call{Method: "DELETE", URI: "/api/x?a=u%2F1&b=2", Header: http.Header{}}},
		"get":      {`{method: GET}`, call{Method: "GET", URI: "/api", Header: http.Header{}}},
		"a header": {`{method: PATCH, headers: {x-user: "ü {{ data.userId }}"}}`, call{Method: "PATCH", URI: "/api", Header: http.Header{"X-User": {"ü u/1"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSink(t, nil)
			config := local(s.URL+"/api", `, headers: {Authorization: {env: AUTH}, X-Plain: "yes"}`)
			a := actiontest.MustCompile(t, rule(config, c.step))
			if got := a.Send(t, `{"userId":"u/1","score":61,"quizName":"A & ä"}`); !reflect.DeepEqual(got, actions.Outcome{Verdict: actions.Done}) {
				t.Fatalf("%+v", got)
			}
			got := s.got()
			if len(got) != 1 {
				t.Fatalf("%d calls", len(got))
			}
			for name, value := range map[string]string{
				"Idempotency-Key": actiontest.DeliveryID, "Authorization": "Bearer canary-token", "X-Plain": "yes", "User-Agent": "heed", "Accept-Encoding": "gzip",
			} {
				if v := got[0].Header.Values(name); len(v) != 1 || v[0] != value {
					t.Errorf("%s is %q", name, v)
				}
				got[0].Header.Del(name)
			}
			got[0].Header.Del("Content-Length")
			got[0].Remote = ""
			if diff := cmp.Diff(c.want, got[0]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryAttemptCarriesTheSameKey(t *testing.T) {
	s := newSink(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	a := actiontest.MustCompile(t, rule(local(s.URL, ""), `json: {}`))
	for range 3 {
		a.Send(t, `{}`)
	}
	for _, c := range s.got() {
		if c.Header.Get("Idempotency-Key") != actiontest.DeliveryID {
			t.Errorf("the key is %q", c.Header.Get("Idempotency-Key"))
		}
	}
}

// echo answers with everything it was sent.
func echo(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintln(w, r.RequestURI, r.Host)
	_ = r.Header.Write(w)
	_ = json.NewEncoder(w).Encode(r.Header)
}

func TestNoSecretIsInARequestOrAnOutcome(t *testing.T) {
	s := newSink(t, echo)
	withSecretURL := rule(`http: {url: {env: URL}, allow_private: true, headers: {Authorization: {env: AUTH}, X-Api-Key: {env: KEY}}}`, `path: /x`)
	withSecretURL.Env["URL"] = s.URL + "/services/canary-path?key=canary-query"
	withSecretURL.Env["KEY"] = `canary "key"`
	withPassword := rule(local(strings.Replace(s.URL, "://", "://user:canary-password@", 1), ""), `json: {}`)
	unreachable := rule(`http: {url: {env: URL}, allow_private: true, headers: {Authorization: {env: AUTH}}}`, `json: {}`)
	unreachable.Env["URL"] = "http://no-such-host.invalid/canary-path"
	refusedHost := rule(`http: {url: {env: URL}, headers: {Authorization: {env: AUTH}}}`, `json: {}`)
	refusedHost.Env["URL"] = "http://127.0.0.2.nip.invalid/canary-path"
	for name, r := range map[string]actiontest.Rule{"secret url": withSecretURL, "password in url": withPassword, "unreachable": unreachable, "refused": refusedHost} {
		a := actiontest.Compile(t, r)
		raw := a.MustRender(t, `{}`)
		o := a.Send(t, `{}`)
		if o.Verdict == actions.Done {
			t.Errorf("%s: %+v", name, o)
		}
		for what, text := range map[string]string{"request": string(raw), "error": o.Error, "response": o.Response, "action": fmt.Sprintf("%+v %#v", a.Configured, a.Action)} {
			if i := strings.Index(text, "canary"); i >= 0 {
				t.Errorf("%s: the %s holds …%.60s", name, what, text[max(0, i-20):])
			}
		}
	}
	if len(s.got()) != 2 {
		t.Errorf("%d calls arrived", len(s.got()))
	}
}

func TestExpectedStatusesCountAsDone(t *testing.T) {
	s := newSink(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusConflict) })
	for step, want := range map[string]actions.Verdict{`{}`: actions.Dead, `expect: [200, 409]`: actions.Done, `expect: 409`: actions.Done, `expect: 204`: actions.Dead} {
		a := actiontest.MustCompile(t, rule(local(s.URL, ""), step))
		if got := a.Send(t, `{}`); got.Verdict != want {
			t.Errorf("%s: %+v", step, got)
		}
	}
}

func TestTheRulesOwnTimeoutEndsAnAttempt(t *testing.T) {
	s := newSink(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	a := actiontest.MustCompile(t, rule(local(s.URL, ", timeout: 1m"), `timeout: 50ms`))
	if got := a.Send(t, `{}`); !reflect.DeepEqual(got, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "no answer in time"}) {
		t.Errorf("%+v", got)
	}
	a = actiontest.MustCompile(t, rule(local(s.URL, ", timeout: 50ms"), `{}`))
	if got := a.Send(t, `{}`); !reflect.DeepEqual(got, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "no answer in time"}) {
		t.Errorf("%+v", got)
	}
}

func TestAnEndpointAtAPrivateAddressIsRefusedUnlessAllowed(t *testing.T) {
	s := newSink(t, nil)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.URL, "http://"))
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		a := actiontest.Compile(t, rule(`http: {url: "http://`+host+":"+port+`/"}`, `json: {}`))
		if got := a.Send(t, `{}`); got.Verdict != actions.Dead || !strings.Contains(got.Error, "private address") {
			t.Errorf("%s: %+v", host, got)
		}
	}
	if len(s.got()) > 0 {
		t.Error("it was called all the same")
	}
	a := actiontest.MustCompile(t, rule(`http: {url: "http://localhost:`+port+`/", allow_private: true}`, `json: {}`))
	if got := a.Send(t, `{}`); got.Verdict != actions.Done {
		t.Errorf("allowed: %+v", got)
	}
}

func TestASecretThatIsRotatedIsUsedByTheNextAttempt(t *testing.T) {
	s := newSink(t, nil)
	dir := t.TempDir()
	put := func(name, value string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("url", s.URL)
	put("auth", "one")
	a := actiontest.MustCompile(t, rule(fmt.Sprintf(`http: {url: {file: %q}, headers: {Authorization: {file: %q}}, allow_private: true}`, filepath.Join(dir, "url"), filepath.Join(dir, "auth")), `json: {}`))
	a.Send(t, `{}`)
	put("auth", "two\n")
	a.Send(t, `{}`)
	if got := s.got(); len(got) != 2 || got[0].Header.Get("Authorization") != "one" || got[1].Header.Get("Authorization") != "two" {
		t.Errorf("%+v", got)
	}
	for name, value := range map[string]string{"auth": "", "url": "://"} {
		put(name, value)
		if got := a.Send(t, `{}`); got.Verdict != actions.Retry || got.Error == "" {
			t.Errorf("a broken %s: %+v", name, got)
		}
		put("auth", "x")
	}
}

func TestARecordedRequestThatCannotBeUsedIsDead(t *testing.T) {
	a := actiontest.MustCompile(t, rule(lms, `json: {}`))
	for _, raw := range []string{``, `x`, `[]`, `{"method": 5}`, `{"method":"POST","encoding":"text","body":{}}`, `{"method":"a b"}`} {
		if got := a.SendRequest(t.Context(), json.RawMessage(raw)); got.Verdict != actions.Dead || got.Error == "" {
			t.Errorf("%s: %+v", raw, got)
		}
	}
}

// What the record says of hosts and secrets does not count: a record that was
// tampered with cannot send a secret elsewhere.
func TestARecordedRequestCannotChooseTheHost(t *testing.T) {
	s := newSink(t, nil)
	a := actiontest.MustCompile(t, rule(local(s.URL, `, headers: {Authorization: {env: AUTH}}`), `{}`))
	got := a.SendRequest(t.Context(), json.RawMessage(`{"method":"GET","url":"http://evil.invalid/","headers":{"Authorization":"x"},"path":"//evil.invalid/x"}`))
	if calls := s.got(); got.Verdict != actions.Done || len(calls) != 1 || calls[0].URI != "/evil.invalid/x" || calls[0].Header.Get("Authorization") != "Bearer canary-token" {
		t.Errorf("%+v, %+v", got, calls)
	}
}

func TestAShutdownInterruptsACall(t *testing.T) {
	arrived := make(chan struct{})
	s := newSink(t, func(_ http.ResponseWriter, r *http.Request) { close(arrived); <-r.Context().Done() })
	a := actiontest.MustCompile(t, rule(local(s.URL, ""), `json: {}`))
	ctx, cut := context.WithCancel(t.Context())
	go func() { <-arrived; cut() }()
	if got := a.SendRequest(ctx, a.MustRender(t, `{}`)); !reflect.DeepEqual(got, actions.Outcome{Verdict: actions.Retry, Error: "interrupted"}) {
		t.Errorf("%+v", got)
	}
}

func TestManyCallsShareTheirConnections(t *testing.T) {
	s := newSink(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 10_000)) })
	seen := map[string]bool{}
	for range 20 { // each as after a reload
		a := actiontest.MustCompile(t, rule(local(s.URL, ""), `json: {}`))
		if got := a.Send(t, `{}`); got.Verdict != actions.Done {
			t.Fatalf("%+v", got)
		}
	}
	for _, c := range s.got() {
		seen[c.Remote] = true
	}
	if len(seen) > 2 {
		t.Errorf("20 calls took %d connections", len(seen))
	}
}

func TestTheDefaultsGiveAnEndpointADay(t *testing.T) {
	d := actiontest.MustCompile(t, rule(lms, `{}`)).Settings
	if d.Retry != actions.DefaultRetry || d.Timeout != 15*time.Second || d.Concurrency != 32 || d.AllowPrivate || d.Rate != 0 {
		t.Errorf("%+v", d)
	}
}
