package access

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// cookieName is that of the cookie of a session. Its prefix has browsers accept it
// for this host only, and only where nobody can change it on the way.
const cookieName = "__Host-heed"

// Gate says who a request is from. Its zero value asks for no token.
type Gate struct {
	// Tokens gives the tokens that are valid now; nil for a listener that asks for
	// none, which must be on loopback.
	Tokens func() *Tokens
	// TrustedProxies are believed in X-Forwarded-Proto and X-Forwarded-For.
	TrustedProxies []netip.Prefix
	// Sessions are needed where a token is asked for.
	Sessions Sessions
	// Now is time.Now in production; nil for that.
	Now func() time.Time

	unsaved  unsaved
	attempts attempts
}

// The errors of a request that the gate does not let pass.
var (
	ErrNoToken   = errors.New("send a token of --tokens-file or --admin-token-file as Authorization: Bearer …")
	ErrByAddress = errors.New("ask for this listener by its address, or protect it with --admin-token-file")
	ErrBusy      = errors.New("there were too many logins that failed: wait a minute")
	ErrWrong     = errors.New("that is not a token of this heed: ask whoever keeps its tokens file")
	ErrPlain     = errors.New("a token is accepted over HTTPS only, or on the machine itself: put a proxy that " +
		"speaks HTTPS in front and name it with --trusted-proxies")
)

// Open says that no token is asked for.
func (g *Gate) Open() bool { return g.Tokens == nil }

// Identify returns who sent a request. The error is ErrNoToken, ErrByAddress, or an
// error of Sessions.
func (g *Gate) Identify(r *http.Request) (Identity, error) {
	if g.Open() {
		return Local, onlyByAddress(r)
	}
	tokens := g.Tokens()
	if given, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); isBearer {
		if who, _, ok := tokens.find(given); ok {
			return who, nil
		}
		return Identity{}, ErrNoToken
	}
	s, found, err := g.session(r)
	if err != nil {
		return Identity{}, err
	}
	// A session counts only while its token is in the file.
	who, valid := tokens.byDigest[s.Token]
	if !found || !valid {
		return Identity{}, ErrNoToken
	}
	// In a browser personal values are masked until they are revealed.
	who.Masked = who.Role < Operator || !g.now().Before(s.RevealUntil)
	return who, nil
}

// Login exchanges a token for a session, and sets the cookie of the session. The error
// is ErrBusy, ErrPlain, ErrWrong, or an error of Sessions.
func (g *Gate) Login(w http.ResponseWriter, r *http.Request, token string) (Identity, error) {
	if !g.secure(r) {
		return Identity{}, ErrPlain
	}
	now, peer := g.now(), g.client(r)
	if !g.attempts.allow(peer, now) {
		return Identity{}, ErrBusy
	}
	who, key, ok := g.Tokens().find(strings.TrimSpace(token))
	if !ok {
		g.attempts.failed(peer, now)
		return Identity{}, ErrWrong
	}
	g.Logout(w, r) // whatever session there was is over
	http.SetCookie(w, cookie(g.begin(r.Context(), key), int(sessionAge.Seconds())))
	return who, nil
}

// Logout ends the session of a request.
func (g *Gate) Logout(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil && !g.Open() {
		g.end(r.Context(), sessionID(c.Value))
		http.SetCookie(w, cookie("", -1))
	}
}

// Reveal shows personal values in the session of a request for a quarter of an hour, or
// hides them again. The error is an error of Sessions: the session cannot be read.
func (g *Gate) Reveal(r *http.Request, show bool) error {
	s, found, err := g.session(r)
	if err != nil || !found {
		return err
	}
	until := time.Time{}
	if show {
		until = g.now().Add(revealAge)
	}
	g.reveal(r.Context(), s, until)
	return nil
}

func cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: maxAge,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

func (g *Gate) now() time.Time {
	if g.Now != nil {
		return g.Now()
	}
	return time.Now()
}

// secure says whether nobody on the way can read a request: it came by TLS, to a
// proxy that is trusted to say so, or did not leave the machine.
func (g *Gate) secure(r *http.Request) bool {
	peer := addressOf(r.RemoteAddr)
	switch {
	case r.TLS != nil:
		return true
	case g.trusts(peer) && r.Header.Get("X-Forwarded-Proto") != "":
		return strings.EqualFold(lastOf(r.Header.Values("X-Forwarded-Proto")), "https")
	default:
		forwarded := r.Header.Get("X-Forwarded-For") + r.Header.Get("X-Forwarded-Proto") + r.Header.Get("Forwarded")
		return peer.IsLoopback() && forwarded == "" && isLoopback(hostOf(r))
	}
}

// client returns the address for which failed logins are counted.
func (g *Gate) client(r *http.Request) string {
	peer := addressOf(r.RemoteAddr)
	if g.trusts(peer) {
		if forwarded := lastOf(r.Header.Values("X-Forwarded-For")); forwarded != "" {
			return addressOf(forwarded).String()
		}
	}
	return peer.String()
}

func (g *Gate) trusts(peer netip.Addr) bool {
	return slices.ContainsFunc(g.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// lastOf returns the last entry of a header that is a list, which the nearest proxy
// added.
func lastOf(values []string) string {
	all := strings.Join(values, ",")
	return strings.TrimSpace(all[strings.LastIndex(all, ",")+1:])
}

func addressOf(text string) netip.Addr {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap()
	}
	address, _ := netip.ParseAddr(text)
	return address.Unmap()
}

func hostOf(r *http.Request) string {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.Trim(host, "[]")
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}

// onlyByAddress refuses requests for a host by name. Without a token the
// listener is on loopback, where only a page whose name server points its name
// there (DNS rebinding) would ask so.
func onlyByAddress(r *http.Request) error {
	host := hostOf(r)
	if host != "localhost" && net.ParseIP(host) == nil {
		return ErrByAddress
	}
	return nil
}

// TooLittleError says that a role may not do something.
type TooLittleError struct{ Has, Needs Role }

func (e *TooLittleError) Error() string {
	return fmt.Sprintf("that takes the role %s, and this token has the role %s", e.Needs, e.Has)
}

// Check refuses whoever has less than a role.
func (who Identity) Check(needs Role) error {
	if who.Role < needs {
		return &TooLittleError{who.Role, needs}
	}
	return nil
}
