package access

import (
	"crypto/rand"
	"sync"
	"time"
)

const (
	// sessionAge is how long a session lasts, revealAge how long personal values
	// stay revealed in it.
	sessionAge = 12 * time.Hour
	revealAge  = 15 * time.Minute
	// maxSessions bounds how many there are: the oldest ends first.
	maxSessions = 1000
)

// session is one login of a browser. It is kept in memory: a restart ends it.
type session struct {
	who         Identity
	token       digest // with which it was begun
	began       time.Time
	revealUntil time.Time
}

type sessions struct {
	mu   sync.Mutex
	byID map[string]*session
}

// begin makes a session under a new random id.
func (s *sessions) begin(who Identity, token digest, now time.Time) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[string]*session{}
	}
	oldest := ""
	for id, other := range s.byID {
		switch {
		case now.Sub(other.began) >= sessionAge:
			delete(s.byID, id)
		case oldest == "" || other.began.Before(s.byID[oldest].began):
			oldest = id
		}
	}
	if len(s.byID) >= maxSessions {
		delete(s.byID, oldest)
	}
	id = rand.Text()
	s.byID[id] = &session{who: who, token: token, began: now}
	return id
}

// find says whose session it is. In a browser personal values are masked until they
// are revealed.
func (s *sessions) find(id string, now time.Time) (who Identity, token digest, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.byID[id]
	if !ok || now.Sub(found.began) >= sessionAge {
		delete(s.byID, id)
		return Identity{}, digest{}, false
	}
	who = found.who
	who.Masked = !now.Before(found.revealUntil)
	return who, found.token, true
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

// reveal shows personal values in a session for a time, or hides them again.
func (s *sessions) reveal(id string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found, ok := s.byID[id]; ok && found.who.Role >= Operator {
		found.revealUntil = until
	}
}
