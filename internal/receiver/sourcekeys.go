package receiver

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"heed/engine/source"
)

// sourceKeys are the secrets of a source. If they are missing, each request looks for
// them again.
type sourceKeys struct {
	mu   sync.Mutex
	keys atomic.Pointer[Keyring]
	read func() (*Keyring, error)
}

// get returns the secrets. The error says what is missing and what to do.
func (s *sourceKeys) get() (*Keyring, error) {
	if keys := s.keys.Load(); keys != nil {
		return keys, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if keys := s.keys.Load(); keys != nil {
		return keys, nil
	}
	keys, err := s.read()
	if err != nil {
		return nil, err
	}
	s.keys.Store(keys)
	return keys, nil
}

// publishedKeys returns the secrets that heed was started with; keys may be nil.
func publishedKeys(keys *Keyring) *sourceKeys {
	s := &sourceKeys{read: func() (*Keyring, error) { return nil, ErrNoSecret }}
	s.keys.Store(keys)
	return s
}

// keysInEnv returns the secrets in an environment variable.
func keysInEnv(name string, f form, lookup func(string) (string, bool)) *sourceKeys {
	return &sourceKeys{read: func() (*Keyring, error) {
		value, _ := lookup(name)
		texts := strings.Fields(value)
		if len(texts) == 0 {
			return nil, fmt.Errorf("the environment variable %s is empty or not set: "+
				"put %s into it and start heed again", name, f.wanted)
		}
		keys, err := newKeyring(texts, f)
		if err != nil {
			return nil, fmt.Errorf("the environment variable %s: %w", name, err)
		}
		return keys, nil
	}}
}

// keysInFile returns the secrets in a file.
func keysInFile(path string, f form, log *slog.Logger) *sourceKeys {
	return &sourceKeys{read: func() (*Keyring, error) {
		keys, err := newFileKeyring(path, f, log)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: write %s into that file, one per line", err, f.wanted)
		}
		return keys, err
	}}
}

// A keysID identifies secrets by their use and location. Secrets with the same ID are
// kept when the sources are reloaded.
type keysID struct {
	source string
	secret source.Secret
	form   form
}
