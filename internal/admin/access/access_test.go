package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

const (
	viewerToken   = "viewer-token-of-24-chars"
	operatorToken = "operator-token-of-24-chars"
)

func gate(t *testing.T) (*Gate, *time.Time) {
	t.Helper()
	tokens, err := ReadTokens([]byte("# people\nvera viewer " + viewerToken + "\n\nolga\toperator " + operatorToken +
		"\n"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return &Gate{
		Tokens: func() *Tokens { return tokens }, Sessions: kept{}, Now: func() time.Time { return now },
	}, &now
}

// kept keeps sessions in memory.
type kept map[Digest]Session

func (k kept) SaveSession(_ context.Context, s Session, before time.Time) error {
	maps.DeleteFunc(k, func(_ Digest, s Session) bool { return s.Began.Before(before) })
	k[s.ID] = s
	return nil
}

func (k kept) Session(_ context.Context, id Digest) (Session, bool, error) {
	s, found := k[id]
	return s, found, nil
}

func (k kept) RevealSession(_ context.Context, id Digest, until time.Time) error {
	if s, found := k[id]; found {
		s.RevealUntil = until
		k[id] = s
	}
	return nil
}

func (k kept) EndSession(_ context.Context, id Digest) error {
	delete(k, id)
	return nil
}

func request(change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest("POST", "http://127.0.0.1:8081/ui/login", nil)
	r.RemoteAddr = "127.0.0.1:5000"
	for _, f := range change {
		f(r)
	}
	return r
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func from(address, host string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr, r.Host = address, host }
}

func TestReadTokens_namesTheLineAndNoToken(t *testing.T) {
	for text, want := range map[string]string{
		"nora operator":              "line 1: write a name, a role and a token",
		"\nnora king " + viewerToken: `line 2: "king" is not a role: write viewer, operator, rules`,
		"nora viewer short":          "line 1: the token is shorter than 16",
		"a<b viewer " + viewerToken:  "line 1: a name has letters",
		"a viewer " + viewerToken + "\na viewer " + operatorToken: "line 2: the name a is there twice",
		"a viewer " + viewerToken + "\nb viewer " + viewerToken:   "line 2: the token of b is that of a, too",
		"# nobody\n": "there is no token",
	} {
		_, err := ReadTokens([]byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), viewerToken) {
			t.Errorf("the error shows a token: %v", err)
		}
	}
}

func TestIdentify_knowsABearerByItsToken(t *testing.T) {
	g, _ := gate(t)
	who, err := g.Identify(request(header("Authorization", "Bearer "+viewerToken)))
	if want := (Identity{"vera", Viewer, true}); err != nil || who != want {
		t.Errorf("%+v, %v", who, err)
	}
	if who, _ := g.Identify(request(header("Authorization", "Bearer "+operatorToken))); who.Masked || who.Role != Operator {
		t.Errorf("a program of an operator is %+v", who)
	}
	for _, r := range []*http.Request{
		request(), request(header("Authorization", "Bearer wrong")), request(header("Authorization", viewerToken)),
		request(header("Cookie", cookieName+"=guessed")),
	} {
		if _, err := g.Identify(r); err != ErrNoToken {
			t.Errorf("%v: %v", r.Header, err)
		}
	}
}

func TestIdentify_withoutTokensIsByAddressOnly(t *testing.T) {
	g := &Gate{}
	if who, err := g.Identify(request()); err != nil || who != Local {
		t.Errorf("%+v, %v", who, err)
	}
	if _, err := g.Identify(request(from("127.0.0.1:1", "evil.example:8081"))); err != ErrByAddress {
		t.Error(err)
	}
}

func login(t *testing.T, g *Gate, r *http.Request, token string) (*http.Cookie, error) {
	t.Helper()
	w := httptest.NewRecorder()
	_, err := g.Login(w, r, token)
	cookies := w.Result().Cookies()
	if len(cookies) == 0 {
		return nil, err
	}
	return cookies[len(cookies)-1], err
}

func TestLogin_givesASessionThatEnds(t *testing.T) {
	g, now := gate(t)
	c, err := login(t, g, request(), operatorToken)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Name != "__Host-heed" || c.Path != "/" || c.Domain != "" {
		t.Errorf("the cookie is %v", c)
	}
	inSession := func() (Identity, error) { return g.Identify(request(header("Cookie", c.Name+"="+c.Value))) }
	who, err := inSession()
	if want := (Identity{"olga", Operator, true}); err != nil || who != want {
		t.Errorf("%+v, %v", who, err)
	}
	*now = now.Add(12 * time.Hour)
	if _, err := inSession(); err != ErrNoToken {
		t.Errorf("after 12 hours: %v", err)
	}
}

// A session that somebody else knows of is over once one logs in.
func TestLogin_neverGoesOnWithASession(t *testing.T) {
	g, _ := gate(t)
	known, err := login(t, g, request(), viewerToken)
	if err != nil {
		t.Fatal(err)
	}
	own, err := login(t, g, request(header("Cookie", known.Name+"="+known.Value)), operatorToken)
	if err != nil || own.Value == known.Value {
		t.Fatalf("%v, %v", own, err)
	}
	if _, err := g.Identify(request(header("Cookie", known.Name+"="+known.Value))); err != ErrNoToken {
		t.Errorf("the session before is still there: %v", err)
	}
}

func TestLogin_takesNoTokenThatOthersCouldRead(t *testing.T) {
	g, _ := gate(t)
	g.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	https := header("X-Forwarded-Proto", "https")
	for name, c := range map[string]struct {
		r    *http.Request
		want error
	}{
		"on the machine":                     {request(), nil},
		"from elsewhere":                     {request(from("192.0.2.1:5", "heed.example")), ErrPlain},
		"from elsewhere with a header":       {request(from("192.0.2.1:5", "heed.example"), https), ErrPlain},
		"by a proxy on the machine":          {request(from("127.0.0.1:5", "heed.example")), ErrPlain},
		"by such a proxy that says so":       {request(https), ErrPlain},
		"by a trusted proxy":                 {request(from("10.1.2.3:5", "heed.example"), https), nil},
		"by a trusted proxy without TLS":     {request(from("10.1.2.3:5", "heed.example"), header("X-Forwarded-Proto", "http")), ErrPlain},
		"by a trusted proxy with two values": {request(from("10.1.2.3:5", "heed.example"), header("X-Forwarded-Proto", "https, http")), ErrPlain},
	} {
		if _, err := login(t, g, c.r, viewerToken); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestLogin_isLimited(t *testing.T) {
	g, now := gate(t)
	for range maxFailures {
		if _, err := login(t, g, request(), "a-wrong-token-of-24-char"); err != ErrWrong {
			t.Fatal(err)
		}
	}
	if _, err := login(t, g, request(), viewerToken); err != ErrBusy {
		t.Errorf("after %d failures: %v", maxFailures, err)
	}
	*now = now.Add(failureSpan)
	if _, err := login(t, g, request(), viewerToken); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestReveal_isForAWhileAndForOperators(t *testing.T) {
	g, now := gate(t)
	for token, revealed := range map[string]bool{viewerToken: false, operatorToken: true} {
		c, err := login(t, g, request(), token)
		if err != nil {
			t.Fatal(err)
		}
		r := request(header("Cookie", c.Name+"="+c.Value))
		if err := g.Reveal(r, true); err != nil {
			t.Fatal(err)
		}
		if who, _ := g.Identify(r); who.Masked == revealed {
			t.Errorf("%+v", who)
		}
		*now = now.Add(revealAge)
		if who, _ := g.Identify(r); !who.Masked {
			t.Errorf("later: %+v", who)
		}
	}
}

func TestIdentify_endsSessionsOfATokenThatIsGone(t *testing.T) {
	g, _ := gate(t)
	c, err := login(t, g, request(), operatorToken)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := ReadTokens([]byte("vera viewer " + viewerToken))
	if err != nil {
		t.Fatal(err)
	}
	g.Tokens = func() *Tokens { return rest }
	if _, err := g.Identify(request(header("Cookie", c.Name+"="+c.Value))); err != ErrNoToken {
		t.Error(err)
	}
}

// A browser stays logged in when another process answers, or heed starts again.
func TestIdentify_knowsTheSessionsOfTheStore(t *testing.T) {
	g, _ := gate(t)
	c, err := login(t, g, request(), operatorToken)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := gate(t)
	other.Sessions = g.Sessions
	r := request(header("Cookie", c.Name+"="+c.Value))
	if who, err := other.Identify(r); err != nil || who.Name != "olga" {
		t.Errorf("%+v, %v", who, err)
	}
	other.Logout(httptest.NewRecorder(), r)
	if _, err := g.Identify(r); err != ErrNoToken {
		t.Errorf("the other process ended it, and here: %v", err)
	}
}

// What the store has lets nobody in.
func TestLogin_keepsDigestsOnly(t *testing.T) {
	g, _ := gate(t)
	c, err := login(t, g, request(), operatorToken)
	if err != nil {
		t.Fatal(err)
	}
	for id, s := range g.Sessions.(kept) {
		for _, secret := range []string{c.Value, operatorToken} {
			if plain := sha256.Sum256([]byte(secret)); id == plain || s.Token == plain {
				t.Errorf("the digest of %q is one that anybody can make", secret)
			}
			if strings.Contains(string(id[:])+string(s.Token[:]), secret) {
				t.Errorf("%q is kept", secret)
			}
		}
	}
}

// full is a store that can be read only.
type full struct{ kept }

func (full) SaveSession(context.Context, Session, time.Time) error  { return errFull }
func (full) RevealSession(context.Context, Digest, time.Time) error { return errFull }
func (full) EndSession(context.Context, Digest) error               { return errFull }

var errFull = errors.New("the disk is full")

// Whoever looks for what is wrong has to get in.
func TestGate_goesOnInMemoryWhenNothingCanBeSaved(t *testing.T) {
	g, _ := gate(t)
	stored := g.Sessions
	before, err := login(t, g, request(), operatorToken)
	if err != nil {
		t.Fatal(err)
	}
	g.Sessions = full{stored.(kept)}
	during, err := login(t, g, request(), operatorToken)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]*http.Cookie{"begun before": before, "begun on a full disk": during} {
		r := request(header("Cookie", c.Name+"="+c.Value))
		if who, err := g.Identify(r); err != nil || !who.Masked {
			t.Errorf("%s: %+v, %v", what, who, err)
		}
		if err := g.Reveal(r, true); err != nil {
			t.Fatal(err)
		}
		if who, err := g.Identify(r); err != nil || who.Masked {
			t.Errorf("%s, revealed: %+v, %v", what, who, err)
		}
		g.Logout(httptest.NewRecorder(), r)
		if err := g.Reveal(r, true); err != nil {
			t.Fatal(err)
		}
		if _, err := g.Identify(r); err != ErrNoToken {
			t.Errorf("%s, ended: %v", what, err)
		}
	}
}

// ending ends the session of a request while it is revealed.
type ending struct {
	kept
	end func()
}

func (e ending) RevealSession(ctx context.Context, id Digest, until time.Time) error {
	e.end()
	return e.kept.RevealSession(ctx, id, until)
}

func TestReveal_doesNotBringBackASessionThatEnds(t *testing.T) {
	g, _ := gate(t)
	c, err := login(t, g, request(), operatorToken)
	if err != nil {
		t.Fatal(err)
	}
	r := request(header("Cookie", c.Name+"="+c.Value))
	g.Sessions = ending{g.Sessions.(kept), func() { g.Logout(httptest.NewRecorder(), r) }}
	if err := g.Reveal(r, true); err != nil {
		t.Fatal(err)
	}
	if who, err := g.Identify(r); err != ErrNoToken {
		t.Errorf("%+v, %v", who, err)
	}
}
