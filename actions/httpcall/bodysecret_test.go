package httpcall_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/actions"
	"heed/actions/actiontest"
)

func TestJSON_hasASecretOnlyWhenItIsSent(t *testing.T) {
	s := newSinkThatRepeats(t)
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("canary-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := rule(local(s.URL, ""), `json: {routing_key: {env: KEY}, list: [{"a/b~c": {file: `+file+`, prefix: "Bearer "}}], who: "{{ fromJSON(data.quizName) }}", z: 1, a: 2}`)
	r.Env["KEY"] = `canary-"quoted"`
	a := actiontest.MustCompile(t, r)
	const data = `{"quizName": "{\"env\": \"KEY\", \"routing_key\": {\"env\": \"KEY\"}}"}`

	raw := a.MustRender(t, data)
	if strings.Contains(string(raw), "canary") || !strings.Contains(string(raw), `"routing_key":"***"`) {
		t.Errorf("recorded as %s", raw)
	}
	got := a.Send(t, data)
	want := `{"routing_key":"canary-\"quoted\"","list":[{"a/b~c":"Bearer canary-file"}],"who":{"env":"KEY","routing_key":{"env":"KEY"}},"z":1,"a":2}`
	if diff := cmp.Diff(want, s.got()[0].Body); diff != "" {
		t.Error(diff)
	}
	if got.Verdict != actions.Done || strings.Contains(got.Response, "canary") {
		t.Errorf("%+v", got)
	}
}

// newSinkThatRepeats answers with the body that it got.
func newSinkThatRepeats(t *testing.T) *sink {
	var s *sink
	s = newSink(t, func(w http.ResponseWriter, _ *http.Request) {
		calls := s.got()
		_, _ = io.WriteString(w, calls[len(calls)-1].Body)
	})
	return s
}

func TestForm_hasASecretOnlyWhenItIsSent(t *testing.T) {
	s := newSinkThatRepeats(t)
	r := rule(local(s.URL, ""), `form: {token: {env: KEY}, user: "{{ data.userId }}"}`)
	r.Env["KEY"] = "canary&key"
	a := actiontest.MustCompile(t, r)
	if raw := a.MustRender(t, `{"userId": "u1"}`); strings.Contains(string(raw), "canary") {
		t.Errorf("recorded as %s", raw)
	}
	got := a.Send(t, `{"userId": "u1"}`)
	if s.got()[0].Body != "token=canary%26key&user=u1" || strings.Contains(got.Response, "canary") {
		t.Errorf("%s, %+v", s.got()[0].Body, got)
	}
}

func TestJSON_aSecretThatIsMissingIsReportedAndWaitedFor(t *testing.T) {
	got := actiontest.Lines(actiontest.Compile(t, rule(lms, `json: {routing_key: {env: UNSET}}`)).Problems)
	if !strings.Contains(got, "the environment variable UNSET is not set [missing-env]") {
		t.Error(got)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSink(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	a := actiontest.MustCompile(t, rule(local(s.URL, ""), `json: {key: {file: `+file+`}}`))
	if got := a.Send(t, `{}`); got.Verdict != actions.Retry {
		t.Errorf("a refused secret that can be renewed: %+v", got)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if got := a.Send(t, `{}`); got.Verdict != actions.Retry || !strings.Contains(got.Error, "the secret at /key of the body") {
		t.Errorf("%+v", got)
	}
}

func TestJSON_otherObjectsWithTheseKeysAreSentAsTheyAre(t *testing.T) {
	for body, warned := range map[string]bool{
		`{env: prod}`:                true,
		`{file: report.pdf}`:         true,
		`{env: prod, file: a}`:       false,
		`{env: PROD, region: eu}`:    false,
		`{env: "{{ data.quizId }}"}`: false,
		`{env: 1}`:                   false,
		`"{{ {env: 'PROD'} }}"`:      false,
	} {
		a := actiontest.Compile(t, rule(lms, "json: {deploy: "+body+"}"))
		if lines := actiontest.Lines(a.Problems); strings.Contains(lines, "[suspicious]") != warned || strings.Contains(lines, "error:") {
			t.Errorf("%s: %s", body, lines)
		}
		if raw := string(a.MustRender(t, `{"quizId": "q1"}`)); strings.Contains(raw, "***") {
			t.Errorf("%s: %s", body, raw)
		}
	}
}

func TestHeaders_areSentAsTheyAreWritten(t *testing.T) {
	heads := make(chan string, 1)
	listener := rawServer(t, func(head string) { heads <- head })
	a := actiontest.MustCompile(t, rule(local(listener, ", headers: {x-API-key: {env: AUTH}, x-plain: a}"),
		`headers: {X-PLAIN: b, x-userID: "{{ data.userId }}", content-TYPE: text/csv}`+"\nbody: hi"))
	if o := a.Send(t, `{"userId": "u1"}`); o.Verdict != actions.Done {
		t.Fatalf("%+v", o)
	}
	got := <-heads
	for _, want := range []string{"\r\nx-API-key: Bearer canary-token\r\n", "\r\nX-PLAIN: b\r\n", "\r\nx-userID: u1\r\n", "\r\ncontent-TYPE: text/csv\r\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if strings.Count(strings.ToLower(got), "\r\nx-plain:") != 1 || strings.Count(strings.ToLower(got), "\r\ncontent-type:") != 1 {
		t.Errorf("%q", got)
	}
}

func TestHeaders_aKindOfTokenIsNoSecret(t *testing.T) {
	r := rule(`http: {url: https://h, headers: {X-Snowflake-Authorization-Token-Type: PROGRAMMATIC_ACCESS_TOKEN}}`, `{}`)
	a := actiontest.MustCompile(t, r)
	if raw := string(a.MustRender(t, `{}`)); !strings.Contains(raw, `"PROGRAMMATIC_ACCESS_TOKEN"`) {
		t.Error(raw)
	}
	actiontest.MustCompile(t, rule(lms, `headers: {X-Snowflake-Authorization-Token-Type: PROGRAMMATIC_ACCESS_TOKEN}`))
}
