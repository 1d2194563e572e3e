package outbound

import (
	"runtime"
	"sync"
	"weak"
)

// shared hands out one value for each key, for as long as anybody holds it: what
// actions with the same settings have in common outlives a reload of the rules, and
// what no action uses any longer is forgotten. Nobody has to say when an action ends:
// rules are also compiled only to be checked.
type shared[K comparable, V any] struct {
	mu     sync.Mutex
	values map[K]weak.Pointer[V]
}

// get returns the value of a key, and makes it if there is none. The error is
// that of making it.
func (s *shared[K, V]) get(key K, create func() (*V, error)) (*V, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if value := s.values[key].Value(); value != nil {
		return value, nil
	}
	value, err := create()
	if err != nil {
		return nil, err
	}
	if s.values == nil {
		s.values = map[K]weak.Pointer[V]{}
	}
	s.values[key] = weak.Make(value)
	runtime.AddCleanup(value, s.forget, key)
	return value, nil
}

// forget drops a key, unless a new value was made for it in the meantime.
func (s *shared[K, V]) forget(key K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values[key].Value() == nil {
		delete(s.values, key)
	}
}
