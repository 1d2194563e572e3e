package main

import (
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// sinks are the endpoints that the rules call, on one loopback address: a good
// one, a slow one, a moody one that often answers 500 until it is calm, and one
// that is gone.
type sinks struct {
	server *http.Server
	url    string
	ledger *ledger
	calm   atomic.Bool
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
	mux.HandleFunc("POST /gone", http.NotFound)
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

func (s *sinks) take(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return // cut off: nothing was taken
	}
	s.ledger.note(wordGot, r.Header.Get("Idempotency-Key"))
	w.WriteHeader(http.StatusOK)
}

func (s *sinks) close() { _ = s.server.Close() }
