package httpcall_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heed/actions"
	"heed/actions/actiontest"
)

// answering is an endpoint that gives one answer.
func answering(t *testing.T, status int, header http.Header, body string) *sink {
	return newSink(t, func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func TestSend_expectBodyDecidesWhatAGoodAnswerIs(t *testing.T) {
	for _, c := range []struct {
		expected, config, body string
		want                   actions.Verdict
		err                    string
	}{
		{`body.ok == true`, "", `{"ok":true}`, actions.Done, ""},
		{`body.ok == true`, "", `{"ok":false,"why":"no"}`, actions.Dead, "the answer is not as expected: body.ok == true is false"},
		{`body.ok == true`, "", `{}`, actions.Dead, "the answer is not as expected: body.ok == true is unknown, body.ok is missing"},
		{`body.ok == true`, "", `nonsense`, actions.Dead, "the answer is not as expected: body.ok == true is unknown, "},
		{`body.ok == true`, "", ``, actions.Dead, "the answer is not as expected: "},
		{`body contains "accepted"`, "", `request accepted`, actions.Done, ""},
		{`status == 200 and len(body.results) > 0`, "", `{"results":[1]}`, actions.Done, ""},
		{`body.ok == true`, `, retry: {on: [200]}`, `{"ok":false}`, actions.Retry, "the answer is not as expected: body.ok == true is false"},
		{`body.ok == true`, `, retry: {on: [{status: 200, body: busy}]}`, `{"ok":false,"why":"busy"}`, actions.Retry, "the answer is not as expected: "},
		{`body.ok == true`, `, retry: {on: [{status: 200, body: busy}]}`, `{"ok":false}`, actions.Dead, "the answer is not as expected: "},
	} {
		s := answering(t, 200, nil, c.body)
		a := actiontest.MustCompile(t, rule(local(s.URL, c.config), fmt.Sprintf("expect_body: %s", c.expected)))
		got := a.Send(t, `{}`)
		if got.Verdict != c.want || !strings.HasPrefix(got.Error, c.err) || got.Response != c.body || got.Cause != actions.CauseDelivery {
			t.Errorf("%s of %s: %+v", c.expected, c.body, got)
		}
	}
}

func TestSend_retryOnNamesAnswersThatPass(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		on     string
		want   actions.Verdict
	}{
		{404, "", "[404, 423]", actions.Retry},
		{423, "", "[404, 423]", actions.Retry},
		{410, "", "[404, 423]", actions.Dead},
		{400, `[{"errorCode":"UNABLE_TO_LOCK_ROW"}]`, "[{status: 400, body: UNABLE_TO_LOCK_ROW}]", actions.Retry},
		{400, `[{"errorCode":"REQUIRED_FIELD_MISSING"}]`, "[{status: 400, body: UNABLE_TO_LOCK_ROW}]", actions.Dead},
		{403, `REQUEST_LIMIT_EXCEEDED`, "{body: REQUEST_LIMIT_EXCEEDED}", actions.Retry},
	} {
		s := answering(t, c.status, nil, c.body)
		got := actiontest.MustCompile(t, rule(local(s.URL, ", retry: {on: "+c.on+"}"), `json: 1`)).Send(t, `{}`)
		if got.Verdict != c.want || got.Cause != actions.CauseDelivery {
			t.Errorf("%d %s with %s: %+v", c.status, c.body, c.on, got)
		}
	}
}

func TestSend_aBodyThatBreaksOffIsNoVerdict(t *testing.T) {
	for _, c := range []struct {
		status       int
		config, step string
		want         actions.Verdict
	}{
		{200, "", `expect_body: body.ok == true`, actions.Retry},
		{200, "", `json: 1`, actions.Done},
		{400, ", retry: {on: [{status: 400, body: UNABLE_TO_LOCK_ROW}]}", `json: 1`, actions.Retry},
		{400, ", retry: {on: [{status: 409, body: UNABLE_TO_LOCK_ROW}]}", `json: 1`, actions.Dead},
	} {
		s := answering(t, c.status, http.Header{"Content-Length": {"100"}}, `{"ok":`)
		got := actiontest.MustCompile(t, rule(local(s.URL, c.config), c.step)).Send(t, `{}`)
		if got.Verdict != c.want || c.want == actions.Retry && got.Cause != actions.CauseServer {
			t.Errorf("%d with %s%s: %+v", c.status, c.step, c.config, got)
		}
	}
}

func TestSend_expectBodyReadsALongAnswer(t *testing.T) {
	s := answering(t, 200, nil, `{"log":"`+strings.Repeat("x", 500<<10)+`","ok":true}`)
	got := actiontest.MustCompile(t, rule(local(s.URL, ""), `expect_body: body.ok == true`)).Send(t, `{}`)
	if got.Verdict != actions.Done || len(got.Response) > actions.MaxResponse {
		t.Errorf("%s: %s", got.Verdict, got.Error)
	}
}

func TestSend_retryOnDoesNotHideAnOutage(t *testing.T) {
	s := answering(t, 503, nil, "busy")
	got := actiontest.MustCompile(t, rule(local(s.URL, ", retry: {on: [503, {body: busy}]}"), `json: 1`)).Send(t, `{}`)
	if got.Verdict != actions.Retry || got.Cause != actions.CauseServer {
		t.Errorf("%+v", got)
	}
}

func TestSend_retryAfterAlwaysMeansLater(t *testing.T) {
	for _, status := range []int{301, 400, 401, 403, 404, 408, 409, 422, 429, 500, 503} {
		s := answering(t, status, http.Header{"Retry-After": {"12"}}, "")
		got := actiontest.MustCompile(t, rule(local(s.URL, ""), `json: 1`)).Send(t, `{}`)
		if got.Verdict != actions.Retry || got.Cause != actions.CauseThrottled || got.After != 12*time.Second {
			t.Errorf("%d: %+v", status, got)
		}
	}
	s := answering(t, 200, http.Header{"Retry-After": {"12"}}, "")
	if got := actiontest.MustCompile(t, rule(local(s.URL, ""), `json: 1`)).Send(t, `{}`); got.Verdict != actions.Done {
		t.Errorf("200: %+v", got)
	}
}

func TestSend_a401IsTriedAgainWithARenewedSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(token string) {
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("Bearer old")
	s := newSink(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer new" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	a := actiontest.MustCompile(t, rule(local(s.URL, ", headers: {Authorization: {file: "+file+"}}"), `json: 1`))
	if got := a.Send(t, `{}`); got.Verdict != actions.Retry || got.Attempts == 0 || got.Attempts > 10 {
		t.Errorf("%+v", got)
	}
	write("Bearer new")
	if got := a.Send(t, `{}`); got.Verdict != actions.Done {
		t.Errorf("%+v", got)
	}
	fixed := actiontest.MustCompile(t, rule(local(s.URL, ", headers: {Authorization: {env: AUTH}}"), `json: 1`))
	if got := fixed.Send(t, `{}`); got.Verdict != actions.Dead {
		t.Errorf("a secret that cannot change: %+v", got)
	}
}

// Between the attempt that was not answered and its end, an endpoint that knows
// the key says that there is a conflict.
func TestSend_a409IsTriedAgainWhenTheCallIsARepeat(t *testing.T) {
	s := answering(t, 409, nil, "")
	a := actiontest.MustCompile(t, rule(local(s.URL, ""), `json: 1`))
	for attempt, want := range map[int]actions.Verdict{1: actions.Dead, 2: actions.Retry, 5: actions.Retry} {
		got := a.Action.Send(t.Context(), actions.Message{ID: "d1", Request: a.MustRender(t, `{}`), Attempt: attempt})
		if got.Verdict != want || got.Cause != actions.CauseDelivery || want == actions.Retry && got.Attempts == 0 {
			t.Errorf("attempt %d: %+v", attempt, got)
		}
	}
}

func TestSend_keepsTheStartOfAGoodAnswer(t *testing.T) {
	s := answering(t, 201, nil, `{"id":"a0B"}`+strings.Repeat(" ", 5000))
	got := actiontest.MustCompile(t, rule(local(s.URL, ""), `json: 1`)).Send(t, `{}`)
	if got.Verdict != actions.Done || got.Error != "" || !strings.HasPrefix(got.Response, `{"id":"a0B"}`) || len(got.Response) > actions.MaxResponse {
		t.Errorf("%+v", got)
	}
}
