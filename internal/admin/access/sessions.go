package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"time"
)

const (
	// sessionAge is how long a session lasts, revealAge how long personal values
	// stay revealed in it.
	sessionAge = 12 * time.Hour
	revealAge  = 15 * time.Minute
)

// Digest is a SHA-256 sum.
type Digest = [sha256.Size]byte

// Session is one login of a browser. It holds digests only: of what the browser's
// cookie has, and of the token that began the session.
type Session struct {
	ID, Token Digest
	Began     time.Time
	// RevealUntil is until when personal values are shown in it.
	RevealUntil time.Time
}

// Sessions keeps the sessions of browsers, for all processes that share a store.
// internal/store does.
type Sessions interface {
	// SaveSession keeps a session, new or changed, and deletes those that began
	// before a time.
	SaveSession(ctx context.Context, s Session, before time.Time) error
	Session(ctx context.Context, id Digest) (s Session, found bool, err error)
	EndSession(ctx context.Context, id Digest) error
}

// session returns the session of a request, unless it is over.
func (g *Gate) session(r *http.Request) (s Session, found bool, err error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil || g.Open() {
		return Session{}, false, nil
	}
	s, found, err = g.Sessions.Session(r.Context(), sessionID(cookie.Value))
	return s, found && g.now().Sub(s.Began) < sessionAge, err
}

// begin saves a new session for a token, and returns the value of its cookie.
func (g *Gate) begin(ctx context.Context, token Digest) (secret string, err error) {
	secret = rand.Text()
	return secret, g.save(ctx, Session{ID: sessionID(secret), Token: token, Began: g.now()})
}

func (g *Gate) save(ctx context.Context, s Session) error {
	return g.Sessions.SaveSession(ctx, s, g.now().Add(-sessionAge))
}

// sessionID returns the digest under which a session is stored. Reading the store does
// not reveal the cookie.
func sessionID(secret string) Digest { return sha256.Sum256([]byte("heed session " + secret)) }
