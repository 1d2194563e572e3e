package main

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// sinks are the endpoints that the rules call, on loopback: a good one, a slow
// one, a moody one that often answers 500 until it is calm, one that fails for
// what bad events send it and takes the rest, one that takes only so many calls a
// second, one that is gone, and a mail server that greylists.
type sinks struct {
	server  *http.Server
	mail    *mailServer
	url     string
	ledger  *ledger
	calm    atomic.Bool
	limited limiter
}

func openSinks(l *ledger) (*sinks, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sinks{url: "http://" + listener.Addr().String(), ledger: l}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /good", s.take)
	mux.HandleFunc("POST /slow", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
		s.take(w, r)
		time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
	})
	mux.HandleFunc("POST /moody", func(w http.ResponseWriter, r *http.Request) {
		if !s.calm.Load() && rand.IntN(3) == 0 {
			http.Error(w, "not now", http.StatusInternalServerError)
			return
		}
		s.take(w, r)
	})
	mux.HandleFunc("POST /picky/bad", func(w http.ResponseWriter, _ *http.Request) {
		if s.calm.Load() { // so that heed need not find out by all its attempts
			http.Error(w, "bad for good", http.StatusBadRequest)
			return
		}
		http.Error(w, "bad", http.StatusInternalServerError)
	})
	mux.HandleFunc("POST /picky/good", s.take)
	mux.HandleFunc("POST /limited", func(w http.ResponseWriter, r *http.Request) {
		if !s.limited.allow(time.Now()) {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "slow down", http.StatusTooManyRequests)
			return
		}
		s.take(w, r)
	})
	mux.HandleFunc("POST /gone", http.NotFound)
	if s.mail, err = openMailServer(l); err != nil {
		return nil, err
	}
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

func (s *sinks) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // cut off: nothing was taken
	}
	s.told(r.Header.Get("Idempotency-Key"), body)
	s.ledger.note(wordGot, r.Header.Get("Idempotency-Key"))
	w.WriteHeader(http.StatusOK)
}

// told notes what an alert of a rule with time says.
func (s *sinks) told(id string, body []byte) {
	var said alert
	if json.Unmarshal(body, &said) != nil || said.About == "" {
		return
	}
	if text, err := json.Marshal(said); err == nil {
		s.ledger.note(wordTold, id+" "+string(text))
	}
}

func (s *sinks) close() {
	_ = s.server.Close()
	s.mail.close()
}

// limiter allows so many calls in each second.
type limiter struct {
	mu     sync.Mutex
	second int64
	calls  int
}

const maxCalls = 100

func (l *limiter) allow(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if second := now.Unix(); second != l.second {
		l.second, l.calls = second, 0
	}
	l.calls++
	return l.calls <= maxCalls
}
