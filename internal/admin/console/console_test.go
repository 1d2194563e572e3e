package console_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"heed/actions/delivery"
	"heed/engine/record"
	"heed/internal/admin"
	"heed/internal/admin/access"
	"heed/internal/admin/console"
	"heed/internal/app"
	"heed/internal/receiver"
)

const (
	viewer   = "viewer-token-of-24-chars"
	operator = "operator-token-of-24-chars"
	ruler    = "ruler-token-of-24-characters"
)

const rules = `actions:
  console: {log: {}}
rules:
  - name: low
    on: quiz.submitted
    when: data.score < 70
    do: [{action: console, text: "{{ data.userId }} ({{ data.quizName }})"}]
    tests:
      - {name: a low score is told, given: {data: {userId: u1, quizName: q, score: 61}}, expect: {outcome: matched}}
`

// hostile is put wherever an event can put something.
const hostile = "<script>alert(1)</script>\" onload=x '\u202egnp.exe\u0000 ={{1}}"

// server is heed with a few events of hostile people.
type server struct {
	t     *testing.T
	url   string
	rules string
	app   *app.App
}

func start(t *testing.T, change func(*app.Options)) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{t: t, rules: filepath.Join(dir, "rules.yaml")}
	if err := os.WriteFile(s.rules, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := receiver.NewKeyring("a secret of sixteen")
	if err != nil {
		t.Fatal(err)
	}
	o := app.Options{
		Rules: s.rules, Data: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Keys: keys, MaxAge: time.Hour,
		MaxAhead: time.Hour, Retention: 24 * time.Hour, NoSend: true, Version: "test", LookupEnv: os.LookupEnv,
		Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	a, err := app.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Rehearse(t.Context(), past(t), func(d *record.Delivery) delivery.End { return app.Refused("404 " + hostile) }); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	s.url, s.app = a.AdminURL(), a
	return s
}

func past(t *testing.T) (events []app.Past) {
	t.Helper()
	at := time.Now().Add(-time.Minute)
	for _, data := range []map[string]any{
		{"userId": "u-7001", "quizId": "q1", "quizName": hostile, "score": 12, hostile: hostile},
		{"userId": hostile, "quizId": hostile, "quizName": strings.Repeat("long ", 2000), "score": 13},
		{"userId": "u-7001", "email": "maya.iyer@example.com", "teamId": hostile, "role": hostile},
	} {
		name := "quiz.submitted"
		if data["email"] != nil {
			name = "user.provisioned"
		}
		body, err := json.Marshal(map[string]any{"event": name, "companyId": "acme", "data": data})
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, app.Past{At: at, Body: body})
	}
	return append(events, app.Past{At: at, Body: []byte("{\"event\": " + hostile)})
}

// withTokens protects the listener with a token of each role.
func withTokens(o *app.Options) {
	tokens, err := access.ReadTokens(fmt.Appendf(nil, "vera viewer %s\nolga operator %s\nruth rules %s\n", viewer,
		operator, ruler))
	if err != nil {
		panic(err)
	}
	o.Tokens = func() *access.Tokens { return tokens }
	o.RulesWritable = true
}

func (s *server) do(method, path, token string, form url.Values, header ...string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if to := answer.Header.Get("Location"); to != "" {
		return answer.StatusCode, to
	}
	return answer.StatusCode, string(body)
}

func (s *server) get(path, token string) string {
	s.t.Helper()
	status, body := s.do("GET", path, token, nil)
	if status != http.StatusOK {
		s.t.Fatalf("GET %s: %d\n%.600s", path, status, body)
	}
	return body
}

// paths are all pages that can be read, those of single things for all there are.
func (s *server) paths(token string) (paths []string) {
	s.t.Helper()
	for pattern := range console.Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		if method == "GET" && !strings.Contains(path, "{id}") && !strings.Contains(path, "{name}") && path != "/ui/" && !strings.Contains(path, "bulk") {
			paths = append(paths, strings.TrimSuffix(path, "{$}"))
		}
	}
	var list struct {
		Events     []struct{ ID, User string }
		Deliveries []struct{ ID string }
	}
	for _, of := range []string{"events", "deliveries"} {
		if err := json.Unmarshal([]byte(s.get("/api/v1/"+of, token)), &list); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, e := range list.Events {
		paths = append(paths, "/ui/events/"+url.PathEscape(e.ID))
		if e.User != "" {
			paths = append(paths, "/ui/people/"+url.PathEscape(e.User))
		}
	}
	for _, d := range list.Deliveries {
		paths = append(paths, "/ui/deliveries/"+d.ID)
	}
	if len(list.Deliveries) == 0 || len(list.Events) < 4 {
		s.t.Fatalf("there are %d deliveries and %d events", len(list.Deliveries), len(list.Events))
	}
	return append(paths, "/ui/rules/low", "/ui/search?q=low", "/ui/search?q=ma", "/ui/events?status=quarantined",
		"/ui/deliveries?state=dead")
}

func TestConsole_showsHostileValuesAsText(t *testing.T) {
	s := start(t, nil)
	if status, body := s.do("POST", "/ui/mutes", "", url.Values{"rule": {"low"}, "for": {"2h"}, "reason": {hostile}}); status != http.StatusSeeOther {
		t.Fatalf("%d %s", status, body)
	}
	seen := false
	for _, path := range append(s.paths(""), "/ui/search?q="+url.QueryEscape(hostile), "/ui/events?user="+url.QueryEscape(hostile)) {
		status, body := s.do("GET", path, "", nil)
		if status >= 500 {
			t.Errorf("%s: %d", path, status)
		}
		seen = seen || strings.Contains(body, "&lt;script&gt;")
		for _, raw := range []string{"<script>alert", "\u202e", "\x00", `" onload=x`} {
			if strings.Contains(body, raw) {
				t.Errorf("%s has %q as it is", path, raw)
			}
		}
	}
	if !seen {
		t.Error("no page has the hostile value at all")
	}
}

func TestConsole_viewerSeesPseudonymsOnly(t *testing.T) {
	s := start(t, withTokens)
	if status, body := s.do("POST", "/ui/events/bulk?user=u-7001&type=quiz.submitted", operator, url.Values{"confirm": {"replay 1"}}); status != http.StatusSeeOther {
		t.Fatalf("%d %.300s", status, body)
	}
	for !strings.Contains(s.get("/ui/audit", operator), "user=u-7001") {
		continue // the job ends by itself
	}
	paths := append(s.paths(viewer), "/api/v1/events", "/api/v1/deliveries", "/api/v1/people", "/api/v1/leaderboard?by=score",
		"/api/v1/why?rule=low", "/api/v1/problems", "/api/v1/progress", "/api/v1/audit", "/api/v1/search?q=maya", "/api/v1/overview")
	for _, path := range slices.Clone(paths) {
		if rest, ok := strings.CutPrefix(path, "/ui/"); ok && strings.Contains(rest, "/") && !strings.HasPrefix(rest, "rules") {
			paths = append(paths, "/api/v1/"+rest)
		}
	}
	pseudonyms := false
	for _, path := range paths {
		_, body := s.do("GET", path, viewer, nil)
		pseudonyms = pseudonyms || strings.Contains(body, "user-")
		for _, personal := range []string{"u-7001", "maya.iyer"} {
			if strings.Contains(body, personal) {
				t.Errorf("%s shows a viewer %s", path, personal)
			}
		}
	}
	if !pseudonyms {
		t.Error("there are no pseudonyms")
	}
	if body := s.get("/api/v1/events", operator); !strings.Contains(body, "u-7001") {
		t.Error("a program of an operator sees pseudonyms")
	}
}

func TestConsole_viewerCannotAct(t *testing.T) {
	s := start(t, withTokens)
	var api struct{ Paths []string }
	if err := json.Unmarshal([]byte(s.get("/", viewer)), &api); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, pattern := range api.Paths {
		if method, path, _ := strings.Cut(pattern, " "); method != "GET" {
			path = strings.NewReplacer("{id}", "x", "{name}", "low").Replace(path)
			if status, body := s.do(method, path, viewer, nil); status != http.StatusForbidden {
				t.Errorf("%s: %d %.200s", pattern, status, body)
			}
			refused++
		}
	}
	for pattern, forViewers := range console.Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		if !forViewers {
			path = strings.NewReplacer("{id}", "x", "{name}", "low", "{change}", "retry").Replace(path)
			if status, body := s.do(method, path, viewer, url.Values{}); status != http.StatusForbidden {
				t.Errorf("%s: %d %.200s", pattern, status, body)
			}
			refused++
		} else if method != "GET" && path != "/ui/logout" {
			t.Errorf("%s is a write, and a viewer may use it", pattern)
		}
	}
	if refused < 20 {
		t.Errorf("only %d routes were tried", refused)
	}
}

func TestConsole_takesNoWriteFromAnotherSite(t *testing.T) {
	s := start(t, nil)
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		for pattern := range console.Patterns() {
			if method, path, _ := strings.Cut(pattern, " "); method == "POST" {
				if status, _ := s.do(method, strings.NewReplacer("{id}", "x", "{change}", "retry").Replace(path), "", url.Values{}, header...); status != http.StatusForbidden {
					t.Errorf("%s with %v: %d", pattern, header, status)
				}
			}
		}
	}
}

func TestConsole_loginLeadsNowhereElse(t *testing.T) {
	s := start(t, withTokens)
	if status, to := s.do("GET", "/ui/events?user=u1", "", nil); status != http.StatusSeeOther || to != "/ui/login?back=%2Fui%2Fevents%3Fuser%3Du1" {
		t.Errorf("without a token: %d %s", status, to)
	}
	for back, want := range map[string]string{
		"/ui/events?user=u1": "/ui/events?user=u1", "https://evil.example/ui/": "/ui/", "//evil.example/ui/": "/ui/", "/\\evil.example": "/ui/",
		"/ui/\\..\\..//evil.example": "/ui/", "javascript:alert(1)": "/ui/", "": "/ui/", "/api/v1/events": "/ui/",
	} {
		status, to := s.do("POST", "/ui/login", "", url.Values{"token": {viewer}, "back": {back}})
		if status != http.StatusSeeOther || to != want {
			t.Errorf("back to %q: %d %s", back, status, to)
		}
	}
}

// broken is a store that cannot be read.
type broken struct{ admin.Store }

func (broken) PendingByAction(context.Context) (map[string]int, error) {
	return nil, errors.New("the disk is on fire")
}

func TestConsole_keepsItsFrameWhenTheStoreIsDown(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	service := admin.New(admin.Options{Store: broken{}, Now: time.Now, Log: log})
	pages, err := console.New(console.Options{Service: service, Gate: &access.Gate{}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8081/ui/", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
	for _, want := range []string{"the disk is on fire", "heed status", "Request ", `href="/ui/events"`, "Search"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page does not have %q", want)
		}
	}
}

func TestConsole_sendsBrowsersToItsPages(t *testing.T) {
	s := start(t, nil)
	if status, to := s.do("GET", "/", "", nil, "Accept", "text/html,*/*"); status != http.StatusSeeOther || to != "/ui/" {
		t.Errorf("a browser: %d %s", status, to)
	}
	if body := s.get("/", ""); !strings.Contains(body, `"paths"`) {
		t.Errorf("others: %s", body)
	}
}

func TestConsole_refusesAParameterThatAPageDoesNotTake(t *testing.T) {
	s := start(t, nil)
	status, body := s.do("GET", "/ui/events?usr=u1", "", nil)
	if status != http.StatusBadRequest || !strings.Contains(body, "Did you mean user?") {
		t.Errorf("%d %s", status, body)
	}
}

// A path that is there is not said to be missing: it takes another method.
func TestConsole_refusesAMethodThatAPathDoesNotTake(t *testing.T) {
	s := start(t, nil)
	for request, want := range map[string]string{
		"GET /ui/reload":           "405 /ui/reload takes POST, not GET.",
		"GET /ui/mutes/end":        "405 /ui/mutes/end takes POST, not GET.",
		"POST /ui/events":          "405 /ui/events takes GET, HEAD, not POST.",
		"PUT /ui/mutes":            "405 /ui/mutes takes GET, HEAD, POST, not PUT.",
		"POST /ui/static/page.css": "405 /ui/static/page.css takes GET, HEAD, not POST.",
		"POST /ui/":                "405 /ui/ takes GET, HEAD, not POST.",
		"GET /ui/nothing":          "404 There is no page /ui/nothing.", "POST /ui/nothing": "404 There is no page /ui/nothing.",
	} {
		method, path, _ := strings.Cut(request, " ")
		status, body := s.do(method, path, "", nil)
		if code, text, _ := strings.Cut(want, " "); fmt.Sprint(status) != code || !strings.Contains(body, text) {
			t.Errorf("%s: %d, want %s\n%.900s", request, status, want, body)
		}
	}
}

// A page that breaks is answered in the frame of all pages.
func TestConsole_answersWhenAPagePanics(t *testing.T) {
	var log bytes.Buffer
	h, err := console.Serve(console.Options{Gate: &access.Gate{}, Log: slog.New(slog.NewTextHandler(&log, nil))},
		func() { panic("a secret") })
	if err != nil {
		t.Fatal(err)
	}
	r, w := httptest.NewRequest("GET", "http://127.0.0.1/ui/test", nil), httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "please report it") {
		t.Errorf("%d %.900s", w.Code, w.Body)
	}
	if text := log.String(); !strings.Contains(text, "broke inside heed") || strings.Contains(text, "secret") {
		t.Error(text)
	}
}

func TestPlayground_savesWhatIsRightAndUnchanged(t *testing.T) {
	s := start(t, withTokens)
	version := between(s.get("/ui/playground", ruler), `name="version" value="`, `"`)
	save := func(token, text, version string) (int, string) {
		return s.do("POST", "/ui/playground?file=rules.yaml", token, url.Values{"do": {"save"}, "text": {text}, "version": {version}})
	}
	stricter := strings.Replace(rules, "data.score < 70", "data.score < 65", 1)
	if _, body := save(ruler, strings.Replace(rules, "data.score", "data.scor", 1), version); !strings.Contains(body, "nothing was saved") {
		t.Errorf("a mistake: %.300s", body)
	}
	if _, body := save(ruler, strings.Replace(rules, "< 70", "< 60", 1), version); !strings.Contains(body, "A test fails") && !strings.Contains(body, "a test fails") {
		t.Errorf("a failing test: %.300s", body)
	}
	if text, _ := os.ReadFile(s.rules); string(text) != rules {
		t.Errorf("the file is\n%s", text)
	}
	if status, to := save(ruler, strings.ReplaceAll(stricter, "\n", "\r\n"), version); status != http.StatusSeeOther || !strings.Contains(to, "notice=saved") {
		t.Fatalf("save: %d %.300s", status, to)
	}
	if text, _ := os.ReadFile(s.rules); string(text) != stricter {
		t.Errorf("the file is\n%s", text)
	}
	if body := s.get("/ui/rules/low", viewer); !strings.Contains(body, "below 65") {
		t.Error("the saved rule is not active")
	}
	status, body := save(ruler, rules, version)
	if status != http.StatusConflict || !strings.Contains(body, "Somebody changed the file") || !strings.Contains(body, "data.score &lt; 65") {
		t.Errorf("an old version: %d %.300s", status, body)
	}
	if body := s.get("/ui/audit", viewer); !strings.Contains(body, "save rules") || !strings.Contains(body, "ruth") {
		t.Error("the audit log does not have it")
	}
	if status, body := save(operator, rules, versionNow(s)); status != http.StatusForbidden {
		t.Errorf("an operator saves: %d %.300s", status, body)
	}
}

// A browser takes .. in an address for the page above, and so does a server.
func TestConsole_linksLeadToIDsOfDots(t *testing.T) {
	s := start(t, nil)
	form := url.Values{"do": {"import"}, "text": {"user_id,email\n.,a@example.com\n..,b@example.com\n~..,c@example.com\n"}}
	if status, to := s.do("POST", "/ui/people/import", "", form); status != http.StatusSeeOther {
		t.Fatalf("%d %.300s", status, to)
	}
	for _, id := range []string{".", "..", "~.."} {
		body := fmt.Sprintf(`{"event":"quiz.submitted","companyId":"acme","data":{"userId":%q,"quizName":"of %[1]s","score":61}}`, id)
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.app.WebhookURL(), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		now := strconv.FormatInt(time.Now().Unix(), 10)
		for name, value := range map[string]string{
			"Content-Type": "application/json", "x-mt-event-id": id, "x-mt-webhook-timestamp": now,
			"x-mt-webhook-signature": receiver.Sign("sixteen", now, []byte(body)),
		} {
			r.Header.Set(name, value)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(err, answer)
		}
		answer.Body.Close()
	}
	list := s.get("/ui/events", "")
	for id, part := range map[string]string{".": "~.", "..": "~..", "~..": "~~.."} {
		for _, path := range []string{"/ui/events/" + part, "/ui/people/" + part} {
			if !strings.Contains(list, `href="`+path+`"`) {
				t.Errorf("no link to %s", path)
			}
			if page := s.get(path, ""); !strings.Contains(page, "<title>Person "+id+" ") && !strings.Contains(page, "of "+id) {
				t.Errorf("%s is another page: %.300s", path, page)
			}
		}
		if shown := s.get("/api/v1/events/"+part, ""); !strings.Contains(shown, `"id":"`+id+`"`) {
			t.Errorf("%s: %.300s", part, shown)
		}
		if _, to := s.do("GET", "/ui/search?q="+url.QueryEscape(id), "", nil); !strings.Contains(to, "/ui/events/"+part) {
			t.Errorf("the search for %s leads to %.300s", id, to)
		}
		if status, to := s.do("POST", "/ui/events/"+part+"/replay", "", url.Values{}); status != http.StatusSeeOther {
			t.Errorf("the replay of %s: %d %.300s", id, status, to)
		}
	}
}

// Whoever opens requests and never ends them takes no memory with all of them, and
// keeps nobody from small ones.
func TestConsole_readsFewLargeRequestsAtOnce(t *testing.T) {
	s := start(t, nil)
	host := strings.TrimPrefix(s.url, "http://")
	paths := []string{
		"/api/v1/dry-run", "/ui/playground", "/api/v1/backtest", "/ui/people/import",
		"/api/v1/people/import",
	}
	var open []net.Conn
	for _, path := range append(paths, paths...) {
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 100000\r\n\r\n", path, host)
	}
	large := strings.NewReader(`{"events":[{"event":"quiz.submitted"}]}` + strings.Repeat(" ", 80_000))
	dryRun := func(body io.Reader, patience time.Duration) (int, error) {
		ctx, stop := context.WithTimeout(t.Context(), patience)
		defer stop()
		r, err := http.NewRequestWithContext(ctx, "POST", s.url+"/api/v1/dry-run", body)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, err
		}
		defer answer.Body.Close()
		return answer.StatusCode, nil
	}
	for range 50 { // until they are all there
		large.Seek(0, io.SeekStart)
		status, err := dryRun(large, 200*time.Millisecond)
		if err != nil {
			break
		}
		if status != http.StatusOK {
			t.Fatalf("a large dry run: %d", status)
		}
	}
	large.Seek(0, io.SeekStart)
	if status, err := dryRun(large, 200*time.Millisecond); err == nil {
		t.Errorf("one more large request was read: %d", status)
	}
	if status, err := dryRun(strings.NewReader(`{"events":[{"event":"quiz.submitted"}]}`), 5*time.Second); err != nil || status != http.StatusOK {
		t.Errorf("a small request: %d, %v", status, err)
	}
	for _, c := range open {
		c.Close()
	}
	large.Seek(0, io.SeekStart)
	if status, err := dryRun(large, 9*time.Second); err != nil || status != http.StatusOK {
		t.Errorf("after they have gone: %d, %v", status, err)
	}
}

func TestConsole_givesSpreadsheetsNoFormula(t *testing.T) {
	s := start(t, nil)
	form := url.Values{"do": {"import"}, "text": {"user_id,email\n=1+1,a@example.com\n"}}
	if status, to := s.do("POST", "/ui/people/import", "", form); status != http.StatusSeeOther {
		t.Fatalf("%d %.300s", status, to)
	}
	if csv := s.get("/ui/people?format=csv", ""); !strings.Contains(csv, "\n'=1+1,a@example.com") {
		t.Errorf("the file is\n%s", csv)
	}
}

func TestPlayground_showsNoSecretThatIsInARuleFile(t *testing.T) {
	s := start(t, func(o *app.Options) {
		withTokens(o)
		const action = "actions:\n  chat: {slack: {webhook_url: 'https://hooks.slack.com/services/T000/B000/plainsecret'}}\n"
		text := strings.Replace(rules, "actions:\n", action, 1)
		if err := os.WriteFile(o.Rules, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	for token, shown := range map[string]bool{viewer: false, operator: false, ruler: true} {
		_, body := s.do("GET", "/ui/playground", token, nil)
		if strings.Contains(body, "plainsecret") != shown {
			t.Errorf("%s: %.1500s", token, body)
		}
	}
}

// versionNow is the version of the rule file.
func versionNow(s *server) string {
	return between(s.get("/ui/playground", ruler), `name="version" value="`, `"`)
}

func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

// A first visit is small: the page, the style and the scripts, which are short to read as well.
func TestConsole_isSmall(t *testing.T) {
	s := start(t, nil)
	total, scripts := 0, 0
	zipped := func(text []byte) int {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		_, _ = z.Write(text)
		_ = z.Close()
		return out.Len()
	}
	total += zipped([]byte(s.get("/ui/", "")))
	for _, name := range []string{"console.css", "console.js", "feed.js", "editor.js"} {
		text, err := console.Static(name)
		if err != nil {
			t.Fatal(err)
		}
		total += zipped(text)
		if strings.HasSuffix(name, ".js") {
			scripts += len(text)
		}
	}
	if total > 20<<10 || scripts > 8<<10 {
		t.Errorf("a first visit takes %d bytes compressed, scripts %d as written", total, scripts)
	}
	t.Logf("a first visit takes %d bytes compressed; scripts have %d as written", total, scripts)
}

func TestDifferences_showsWhatEachTextHas(t *testing.T) {
	got := ""
	for _, line := range console.Differences("a\nb\nc\nd", "a\nB\nc\nd\ne") {
		got += line.Sign + line.Text + "|"
	}
	if want := " a|-b|+B| c| d|+e|"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
