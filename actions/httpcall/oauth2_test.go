package httpcall_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/actions"
	"heed/actions/actiontest"
)

// issuer is an OAuth 2 server: it gives out numbered tokens to the client heed.
type issuer struct {
	URL string
	// answer, if not nil, stands for giving out a token.
	answer http.HandlerFunc
	// inParams says that it takes credentials in the body only.
	inParams bool

	mu     sync.Mutex
	asked  []url.Values
	given  int
	valid  string // the token that counts
	secret string
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{secret: "canary-secret"}
	server := httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(server.Close)
	i.URL = server.URL + "/token"
	return i
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	_ = r.ParseForm()
	i.asked = append(i.asked, r.PostForm)
	if i.answer != nil {
		i.answer(w, r)
		return
	}
	id, secret, _ := r.BasicAuth()
	if i.inParams {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	if id != "heed" || secret != i.secret || r.PostForm.Get("grant_type") != "client_credentials" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error": "invalid_client", "error_description": "no client %s with canary-secret"}`, id)
		return
	}
	i.given++
	i.valid = fmt.Sprintf("canary-token-%d", i.given)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token": %q, "token_type": "bearer", "expires_in": 3600}`, i.valid)
}

// revoke ends a token before its time.
func (i *issuer) revoke() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.valid = ""
}

// guards lets only calls with the token that counts through.
func (i *issuer) guards(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.valid == "" || r.Header.Get("Authorization") != "Bearer "+i.valid {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprint(w, "not with ", r.Header.Get("Authorization"))
	}
}

func (i *issuer) requests() []url.Values {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.asked)
}

// withToken is a rule whose calls to a sink carry a token of an issuer.
func withToken(sink, tokenURL, more string) actiontest.Rule {
	r := rule(local(sink, fmt.Sprintf(", oauth2: {token_url: %q, client_id: heed, client_secret: {env: SECRET}%s}",
		tokenURL, more)), `json: {user: "{{ data.userId }}"}`)
	r.Env["SECRET"] = "canary-secret"
	return r
}

func TestOAuth2_aTokenIsKeptAndReplacedWhenItIsRefused(t *testing.T) {
	i := newIssuer(t)
	s := newSink(t, i.guards)
	for range 2 { // the second as after a reload, with the same token
		a := actiontest.MustCompile(t, withToken(s.URL, i.URL, `, scopes: [a, b], audience: "https://lms.example.com"`))
		for range 3 {
			if got := a.Send(t, `{"userId": "u1"}`); got.Verdict != actions.Done || got.Error != "" {
				t.Fatalf("%+v", got)
			}
		}
		defer a.Send(t, `{}`) // keeps the action until the next one is there
	}
	want := []url.Values{{"grant_type": {"client_credentials"}, "scope": {"a b"}, "audience": {"https://lms.example.com"}}}
	if diff := cmp.Diff(want, i.requests()); diff != "" {
		t.Error(diff)
	}
	i.revoke()
	a := actiontest.MustCompile(t, withToken(s.URL, i.URL, `, scopes: [a, b], audience: "https://lms.example.com"`))
	if got := a.Send(t, `{"userId": "u2"}`); got.Verdict != actions.Done {
		t.Errorf("after the token was revoked: %+v", got)
	}
	calls := s.got()
	last := calls[len(calls)-1]
	if len(calls) != 8 || last.Body != `{"user":"u2"}` || last.Header.Get("Idempotency-Key") != actiontest.DeliveryID || len(i.requests()) != 2 {
		t.Errorf("%d calls, %d tokens, at last %+v", len(calls), len(i.requests()), last)
	}
}

func TestOAuth2_aRefusalOfAFreshTokenIsARefusal(t *testing.T) {
	i := newIssuer(t)
	s := newSink(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_ = r.Header.Write(w)
	})
	a := actiontest.MustCompile(t, withToken(s.URL, i.URL, ""))
	for n := 1; n <= 2; n++ {
		got := a.Send(t, `{}`)
		if got.Verdict != actions.Dead || !strings.HasPrefix(got.Error, "answered 401 ") || strings.Contains(got.Response, "canary") {
			t.Errorf("%+v", got)
		}
		if len(s.got()) != n || len(i.requests()) != n {
			t.Errorf("%d calls, %d tokens", len(s.got()), len(i.requests()))
		}
	}
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("canary-secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	renewable := actiontest.MustCompile(t, rule(local(s.URL,
		fmt.Sprintf(", oauth2: {token_url: %q, client_id: heed, client_secret: {file: %q}}", i.URL, path)), `json: {}`))
	if got := renewable.Send(t, `{}`); got.Verdict != actions.Retry || got.Attempts == 0 {
		t.Errorf("with a secret that can be renewed: %+v", got)
	}
}

func TestOAuth2_credentialsGoIntoTheBodyWhereTheServerWantsThemThere(t *testing.T) {
	i := newIssuer(t)
	i.inParams = true
	s := newSink(t, i.guards)
	a := actiontest.MustCompile(t, withToken(s.URL, i.URL, ""))
	for range 2 {
		i.revoke()
		if got := a.Send(t, `{}`); got.Verdict != actions.Done {
			t.Errorf("%+v", got)
		}
	}
	if got := i.requests(); len(got) != 3 { // one to find out
		t.Errorf("%d requests: %v", len(got), got)
	}
}

func TestOAuth2_aHundredDeliveriesFetchOneToken(t *testing.T) {
	i := newIssuer(t)
	s := newSink(t, i.guards)
	a := actiontest.MustCompile(t, withToken(s.URL, i.URL, ""))
	i.mu.Lock() // until all have begun
	var all sync.WaitGroup
	var begun sync.WaitGroup
	outcomes := make([]actions.Outcome, 100)
	for n := range outcomes {
		begun.Add(1)
		all.Go(func() { begun.Done(); outcomes[n] = a.Send(t, `{}`) })
	}
	begun.Wait()
	i.mu.Unlock()
	all.Wait()
	for _, o := range outcomes {
		if o.Verdict != actions.Done {
			t.Errorf("%+v", o)
		}
	}
	if len(i.requests()) != 1 || len(s.got()) != 100 {
		t.Errorf("%d tokens for %d calls", len(i.requests()), len(s.got()))
	}
}

func TestOAuth2_aTokenEndpointThatFailsIsNamedAndTriedAgain(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	i := newIssuer(t)
	s := newSink(t, nil)
	host := strings.TrimSuffix(strings.TrimPrefix(i.URL, "http://"), "/token")
	answer := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, body)
		}
	}
	unusable := "its answer holds no access_token that can be used; check token_url"
	for name, c := range map[string]struct {
		answer   http.HandlerFunc
		url      string
		requests int
		want     string
	}{
		"down":          {nil, "http://" + closed.Addr().String() + "/token?k=canary-query", 0, "nothing accepts connections at " + closed.Addr().String() + " (connection refused)"},
		"out of order":  {answer(503, "text/html", "<p>canary-token</p>"), i.URL, 1, "answered 503 Service Unavailable"},
		"refuses":       {answer(401, "application/json", `{"error": "invalid_client", "error_description": "heed:canary-secret"}`), i.URL, 2, "answered 401 Unauthorized, invalid_client ***; check client_id and client_secret"},
		"another scope": {answer(400, "application/json", `{"error": "invalid_scope"}`), i.URL, 2, "answered 400 Bad Request, invalid_scope; check scopes"},
		"moved":         {answer(302, "text/html", ""), i.URL, 1, "answered 302 Found; redirects are not followed, configure the final address as token_url"},
		"a web page":    {answer(200, "text/html", "<!doctype html><p>canary-token</p>"), i.URL, 1, unusable},
		"half a token":  {answer(200, "application/json", `{"access_token": "canary-to`), i.URL, 1, unusable},
		"no token":      {answer(200, "application/json", `{}`), i.URL, 1, unusable},
		"a broken one":  {answer(200, "application/json", `{"access_token": "canary\ntoken"}`), i.URL, 1, unusable},
		"another type":  {answer(200, "application/json", `{"access_token": "canary", "token_type": "mac"}`), i.URL, 1, unusable},
	} {
		t.Run(name, func(t *testing.T) {
			i.mu.Lock()
			i.answer, i.asked = c.answer, nil
			i.mu.Unlock()
			a := actiontest.MustCompile(t, withToken(s.URL, c.url, ""))
			got := a.Send(t, `{}`)
			wantHost := host
			if c.answer == nil {
				wantHost = closed.Addr().String()
			}
			want := actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "no access token from " + wantHost + ": " + c.want}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if n := len(i.requests()); n != c.requests {
				t.Errorf("it was asked %d times", n)
			}
		})
	}
	i.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	if got := actiontest.MustCompile(t, withToken(s.URL, i.URL, "")).Send(t, `{}`); got.After.Seconds() != 30 || got.Cause != actions.CauseThrottled {
		t.Errorf("%+v", got)
	}
	if len(s.got()) > 0 {
		t.Error("the endpoint was called without a token")
	}
}

func TestOAuth2_theTokenEndpointIsGuarded(t *testing.T) {
	i := newIssuer(t)
	r := rule(fmt.Sprintf(`http: {url: "https://lms.example.com", oauth2: {token_url: %q, client_id: heed, client_secret: {env: AUTH}}}`, i.URL), `json: {}`)
	a := actiontest.Compile(t, r)
	if got := a.Send(t, `{}`); got.Verdict != actions.Retry || !strings.Contains(got.Error, "private address") || len(i.requests()) > 0 {
		t.Errorf("%+v", got)
	}
}

func TestOAuth2_noTokenIsRecorded(t *testing.T) {
	i := newIssuer(t)
	s := newSink(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_ = r.Header.Write(w)
	})
	a := actiontest.MustCompile(t, withToken(s.URL, i.URL, ""))
	got := a.Send(t, `{}`)
	raw := string(a.MustRender(t, `{}`))
	if !strings.Contains(raw, `"Authorization":"***"`) {
		t.Errorf("the request is %s", raw)
	}
	for what, text := range map[string]string{"request": raw, "outcome": fmt.Sprintf("%+v", got), "action": fmt.Sprintf("%+v %#v", a.Configured, a.Action)} {
		if strings.Contains(text, "canary") {
			t.Errorf("the %s holds a secret: %s", what, text)
		}
	}
	if !strings.Contains(got.Response, "Bearer ***") {
		t.Errorf("%+v", got)
	}
}

// Zoom wants another grant and the account, Workday a refresh token.
func TestOAuth2_paramsGoToTheTokenEndpoint(t *testing.T) {
	i := newIssuer(t)
	i.answer = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.PostForm.Get("refresh_token") == "" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, `{"error": "invalid_grant"}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"access_token": "canary-token-for-%s", "token_type": "Bearer", "expires_in": 3600}`, r.PostForm.Get("refresh_token"))
	}
	s := newSink(t, echo)
	r := withToken(s.URL, i.URL, `, params: {grant_type: refresh_token, refresh_token: {env: REFRESH}, account_id: a1}`)
	r.Env["REFRESH"] = "canary-refresh"
	got := actiontest.MustCompile(t, r).Send(t, `{}`)
	if s.got()[0].Header.Get("Authorization") != "Bearer canary-token-for-canary-refresh" || strings.Contains(got.Error+got.Response, "canary") {
		t.Errorf("%+v, %v", got, s.got()[0].Header)
	}
	want := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"canary-refresh"}, "account_id": {"a1"}}
	if diff := cmp.Diff(want, i.requests()[0]); diff != "" {
		t.Error(diff)
	}
}

func TestOAuth2_eachMistakeIsReportedAtItsPlace(t *testing.T) {
	with := func(oauth2 string) string { return `http: {url: https://h, oauth2: ` + oauth2 + `}` }
	good := `token_url: https://a.example.com, client_id: heed, client_secret: {env: AUTH}`
	for name, c := range map[string]struct{ config, step, want string }{
		"good":              {with(`{` + good + `}`), ``, ``},
		"everything":        {with(`{` + good + `, scopes: a b, audience: c}`), ``, ``},
		"empty":             {with(`{}`), ``, "config:1:32: error: oauth2 of the http action act has no token_url [missing-key] (write token_url: https://login.example.com/oauth2/token)\nconfig:1:32: error: oauth2 of the http action act has no client_id [missing-key] (write client_id: and the name under which heed is known there)\nconfig:1:32: error: oauth2 of the http action act has no client_secret [missing-key] (write client_secret: {env: NAME} or {file: PATH})"},
		"a text":            {with(`heed`), ``, `config:1:32: error: oauth2 of the http action act must be an object of keys and values, not the text "heed" [wrong-type] (write oauth2: {token_url: https://login.example.com/token, client_id: heed, client_secret: {env: NAME}})`},
		"plain secret":      {with(`{token_url: https://a.example.com, client_id: heed, client_secret: x}`), ``, `config:1:99: warning: client_secret of oauth2 of the http action act stands in the rule file as plain text [plain-secret] (write client_secret: {env: NAME} or {file: PATH})`},
		"unencrypted":       {with(`{token_url: http://a.example.com, client_id: heed, client_secret: {env: AUTH}}`), ``, `config:1:44: error: oauth2 of the http action act would send client_secret unencrypted [plain-password] (write https:// in token_url)`},
		"private":           {with(`{token_url: https://10.0.0.1, client_id: heed, client_secret: {env: AUTH}}`), ``, `config:1:44: error: token_url of oauth2 of the http action act: 10.0.0.1 is a loopback, link-local or private address; set allow_private: true for the action if it really lives there [private-address] (add allow_private: true to the action)`},
		"a password":        {with(`{token_url: "https://a:b@a.example.com", client_id: heed, client_secret: {env: AUTH}}`), ``, `config:1:44: error: token_url of oauth2 of the http action act holds a username or password [bad-url] (write client_id and client_secret)`},
		"unknown key":       {with(`{` + good + `, scope: a}`), ``, `config:1:112: error: oauth2 of the http action act has no key scope [unknown-key] (did you mean scopes?)`},
		"scopes as object":  {with(`{` + good + `, scopes: {a: b}}`), ``, `config:1:120: error: scopes of oauth2 of the http action act must be a list of texts, not an object [wrong-type] (write scopes: [grants.write, users.read])`},
		"scope as object":   {with(`{` + good + `, scopes: [{a: b}]}`), ``, `config:1:121: error: scopes of oauth2 of the http action act takes texts, not an object [wrong-type] (write scopes: [grants.write, users.read])`},
		"params":            {with(`{` + good + `, params: {grant_type: account_credentials, account_id: {env: AUTH}}}`), ``, ``},
		"plain token":       {with(`{` + good + `, params: {grant_type: refresh_token, refresh_token: x}}`), ``, `config:1:163: warning: refresh_token in params of oauth2 of the http action act stands in the rule file as plain text [plain-secret] (write refresh_token: {env: NAME} or {file: PATH})`},
		"a scope in params": {with(`{` + good + `, params: {scope: a}}`), ``, `config:1:121: error: params of oauth2 of the http action act holds scope, which has a key of its own [two-ways] (write scopes beside token_url)`},
		"a header too":      {`http: {url: https://h, headers: {Authorization: {env: AUTH}}, oauth2: {` + good + `}}`, ``, `config:1:71: error: the http action act has both oauth2 and a header Authorization, which oauth2 sets [two-authorizations] (leave out Authorization under headers, or oauth2)`},
		"a rule's header":   {with(`{` + good + `}`), `headers: {authorization: x}`, `step:1:11: error: the header authorization is a secret of the action's configuration, which a rule cannot replace [bad-header] (leave it out, or configure another action)`},
	} {
		t.Run(name, func(t *testing.T) {
			got := actiontest.Compile(t, rule(c.config, c.step))
			if diff := cmp.Diff(c.want, strings.TrimSuffix(actiontest.Lines(got.Problems), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
