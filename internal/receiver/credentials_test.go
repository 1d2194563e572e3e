package receiver

import (
	"encoding/base64"
	"net/http"
	"testing"

	"heed/engine/source"
)

func authorized(values ...string) http.Header { return http.Header{"Authorization": values} }

func basic(userAndPassword string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userAndPassword))
}

func TestHandler_bearerTokenMayBeOneOfSeveral(t *testing.T) {
	g := startSource(t, source.Verification{Scheme: source.SchemeBearer, Secret: source.Secret{Env: "TOKENS"}})
	g.env.Store("TOKENS", "first-token\nsecond-token")
	testCredentials(t, g, "Bearer", map[string]credentialsCase{
		"the first":            {authorized("Bearer first-token"), 200, ""},
		"the second":           {authorized("Bearer second-token"), 200, ""},
		"scheme in lower case": {authorized("bearer first-token"), 200, ""},
		"two spaces":           {authorized("Bearer  first-token"), 200, ""},
		"another":              {authorized("Bearer third-token"), 403, WrongCredentials},
		"a part":               {authorized("Bearer first-toke"), 403, WrongCredentials},
		"both":                 {authorized("Bearer first-token second-token"), 403, WrongCredentials},
		"in another case":      {authorized("Bearer First-token"), 403, WrongCredentials},
		"no header":            {nil, 401, MissingCredentials},
		"empty":                {authorized(""), 401, MissingCredentials},
		"no token":             {authorized("Bearer "), 401, MissingCredentials},
		"no scheme":            {authorized("first-token"), 401, MissingCredentials},
		"another scheme":       {authorized("Token first-token"), 401, MissingCredentials},
		"basic":                {authorized(basic("first-token:first-token")), 401, MissingCredentials},
		"twice":                {authorized("Bearer first-token", "Bearer first-token"), 401, MissingCredentials},
	})
}

func TestHandler_basicNeedsUserAndAnyPassword(t *testing.T) {
	g := startSource(t, source.Verification{
		Scheme: source.SchemeBasic, User: "connector", Secret: source.Secret{Env: "PASSWORDS"},
	})
	g.env.Store("PASSWORDS", "first:one second")
	testCredentials(t, g, `Basic realm="webhooks", charset="UTF-8"`, map[string]credentialsCase{
		"the first, with a colon": {authorized(basic("connector:first:one")), 200, ""},
		"the second":              {authorized(basic("connector:second")), 200, ""},
		"another password":        {authorized(basic("connector:third")), 403, WrongCredentials},
		"no password":             {authorized(basic("connector:")), 403, WrongCredentials},
		"another user":            {authorized(basic("someone:second")), 403, WrongCredentials},
		"no user":                 {authorized(basic(":second")), 403, WrongCredentials},
		"swapped":                 {authorized(basic("second:connector")), 403, WrongCredentials},
		"no header":               {nil, 401, MissingCredentials},
		"no colon":                {authorized(basic("connector")), 401, MissingCredentials},
		"not base64":              {authorized("Basic connector:second"), 401, MissingCredentials},
		"another scheme":          {authorized("Bearer second"), 401, MissingCredentials},
		"twice": {
			authorized(basic("connector:second"), basic("connector:second")), 401, MissingCredentials,
		},
	})
}

type credentialsCase struct {
	header http.Header
	status int
	reason Reason
}

func testCredentials(t *testing.T, g *rig, challenge string, cases map[string]credentialsCase) {
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := do(t, g.post(t, c.header, "{}"))
			if want := map[int]string{401: challenge}[c.status]; got.Header.Get("WWW-Authenticate") != want {
				t.Errorf("challenged with %q", got.Header.Get("WWW-Authenticate"))
			}
			if want := map[int]string{
				401: `{"error": "Missing credentials"}`, 403: `{"error": "Invalid credentials"}`,
			}[c.status]; want != "" && got.Body != want {
				t.Errorf("body %s", got.Body)
			}
			wantOutcome(t, g, got, c.status, c.reason)
		})
	}
}

// Whoever only shows a token has signed nothing.
func TestHandler_bearerHandsOverNoSignature(t *testing.T) {
	g := startSource(t, source.Verification{Scheme: source.SchemeBearer, Secret: source.Secret{Env: "TOKENS"}})
	g.env.Store("TOKENS", "token")
	do(t, g.post(t, authorized("Bearer token"), `{"a": 1}`))
	requests, _ := g.take()
	r := requests[0]
	if r.Source.Name != "partner" || string(r.Body) != `{"a": 1}` ||
		r.Signature != nil || !r.SignedAt.IsZero() || r.ID != "" || r.Header != nil || r.Query != nil {
		t.Errorf("handed over %+v", r)
	}
}

// A request that shows nothing must not make heed ask for its body: no answer is
// 100 Continue.
func TestHandler_refusesCredentialsBeforeTheBody(t *testing.T) {
	g := startSource(t, source.Verification{Scheme: source.SchemeBearer, Secret: source.Secret{Env: "TOKENS"}})
	g.env.Store("TOKENS", "token")
	head := "POST /webhooks/partner HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n"
	if got := raw(t, g.addr, head+"\r\n"); got.Status != 401 {
		t.Errorf("without: %d", got.Status)
	}
	if got := raw(t, g.addr, head+"Authorization: Bearer other\r\n\r\n"); got.Status != 403 {
		t.Errorf("wrong: %d", got.Status)
	}
}
