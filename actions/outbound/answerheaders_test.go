package outbound

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"heed/actions"
)

func TestPause_isWhatTheAnswerAsksFor(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 500, time.UTC)
	in := func(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }
	for _, c := range []struct {
		status int
		header http.Header
		want   time.Duration
	}{
		{429, http.Header{"X-Rate-Limit-Reset": {in(30 * time.Second)}}, 31 * time.Second},                           // Okta
		{403, http.Header{"X-Ratelimit-Reset": {in(time.Minute)}, "X-Ratelimit-Remaining": {"0"}}, 61 * time.Second}, // GitHub
		{403, http.Header{"X-Ratelimit-Reset": {in(time.Minute)}, "X-Ratelimit-Remaining": {"17"}}, 0},               // a plain refusal
		{200, http.Header{"X-Ratelimit-Reset": {in(time.Minute)}, "X-Ratelimit-Remaining": {"0"}}, 0},                // a good answer
		{429, http.Header{"Ratelimit-Reset": {"12"}}, 12 * time.Second},                                              // the draft of the IETF
		{429, http.Header{"Retry-After": {"7"}, "X-Rate-Limit-Reset": {in(time.Hour)}}, 7 * time.Second},             // the standard first
		{429, http.Header{"X-Rate-Limit-Reset": {in(-time.Hour)}}, 0},                                                // past
		{429, http.Header{"X-Rate-Limit-Reset": {"soon"}}, 0},
		{429, http.Header{"X-Rate-Limit-Reset": {"99999999999999999999"}}, 0},
		{429, nil, 0},
	} {
		if got := pause(c.status, c.header, now).Round(time.Second); got != c.want {
			t.Errorf("%d %v: %s, want %s", c.status, c.header, got, c.want)
		}
	}
}

func TestDo_keepsTheHeadersThatSayWhy(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-BambooHR-Error-Message", "Employee 4711 does not exist; canary-secret")
		h.Set("X-Request-Id", "r-17")
		h.Set("Server", "nobody asks")
		h.Set("X-Error-Trace", strings.Repeat("x", 5000))
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("the body"))
	})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := Do(Client(true), request, Terms{Headers: true, Secrets: []string{"canary-secret"}})
	if got.Verdict != actions.Dead || got.Error != "answered 400 Bad Request: Employee 4711 does not exist; ***" {
		t.Errorf("%+v", got)
	}
	want := "X-Bamboohr-Error-Message: Employee 4711 does not exist; ***\nX-Request-Id: r-17\n\nthe body"
	if got.Response != want {
		t.Errorf("kept %q, want %q", got.Response, want)
	}
}

func TestJudge_aLimitThatTheRuleNamesIsNoFaultOfTheCredentials(t *testing.T) {
	terms := Terms{RetryOn: []actions.RetryOn{{Status: 403, Body: "REQUEST_LIMIT_EXCEEDED"}}}
	got := terms.Judge(403, []byte(`[{"errorCode":"REQUEST_LIMIT_EXCEEDED"}]`), 0)
	if got.Verdict != actions.Retry || got.Error != "answered 403 Forbidden" {
		t.Errorf("%+v", got)
	}
}
