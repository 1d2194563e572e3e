package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"maps"
	"net/http"
	"sync"
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
	// SaveSession keeps a new session, and deletes those that began before a time.
	SaveSession(ctx context.Context, s Session, before time.Time) error
	Session(ctx context.Context, id Digest) (s Session, found bool, err error)
	// RevealSession changes RevealUntil of a session, if it is still there.
	RevealSession(ctx context.Context, id Digest, until time.Time) error
	EndSession(ctx context.Context, id Digest) error
}

// unsaved are changes of sessions that could not be saved, such as on a full disk, when
// somebody has to be able to look at the console. A session that has ended has no token.
type unsaved struct {
	mu   sync.Mutex
	byID map[Digest]Session
}

func (u *unsaved) find(id Digest) (s Session, found bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	s, found = u.byID[id]
	return s, found
}

// put keeps a session until it would be over. One that has ended stays so.
func (u *unsaved) put(s Session, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	maps.DeleteFunc(u.byID, func(_ Digest, s Session) bool { return now.Sub(s.Began) >= sessionAge })
	if u.byID == nil {
		u.byID = map[Digest]Session{}
	}
	if before, found := u.byID[s.ID]; !found || before.Token != (Digest{}) {
		u.byID[s.ID] = s
	}
}

// session returns the session of a request, unless it is over.
func (g *Gate) session(r *http.Request) (s Session, found bool, err error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil || g.Open() {
		return Session{}, false, nil
	}
	id := sessionID(cookie.Value)
	if s, found = g.unsaved.find(id); !found {
		s, found, err = g.Sessions.Session(r.Context(), id)
	}
	return s, found && g.now().Sub(s.Began) < sessionAge, err
}

// begin makes a session for a token, and returns the value of its cookie.
func (g *Gate) begin(ctx context.Context, token Digest) (secret string) {
	secret = rand.Text()
	s := Session{ID: sessionID(secret), Token: token, Began: g.now()}
	if err := g.Sessions.SaveSession(ctx, s, g.now().Add(-sessionAge)); err != nil {
		g.unsaved.put(s, g.now())
	}
	return secret
}

// reveal changes until when personal values are shown in a session.
func (g *Gate) reveal(ctx context.Context, s Session, until time.Time) {
	s.RevealUntil = until
	_, isUnsaved := g.unsaved.find(s.ID)
	if isUnsaved || g.Sessions.RevealSession(ctx, s.ID, until) != nil {
		g.unsaved.put(s, g.now())
	}
}

func (g *Gate) end(ctx context.Context, id Digest) {
	_, isUnsaved := g.unsaved.find(id)
	if err := g.Sessions.EndSession(ctx, id); err != nil || isUnsaved {
		g.unsaved.put(Session{ID: id, Began: g.now()}, g.now())
	}
}

// sessionID returns the digest under which a session is stored. Reading the store does
// not reveal the cookie.
func sessionID(secret string) Digest { return sha256.Sum256([]byte("heed session " + secret)) }
