package main

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"heed/internal/admin/access"
)

// adminTokens are the tokens of the admin listener. The files are read again when
// they change; those that cannot be used change nothing.
type adminTokens struct {
	single, several string // files
	log             *slog.Logger

	mu       sync.Mutex
	tokens   *access.Tokens
	state    string // of the files when they were read
	lookedAt time.Time
}

// load reads the files.
func (t *adminTokens) load() error {
	tokens := &access.Tokens{}
	if t.several != "" {
		text, err := os.ReadFile(t.several)
		if err != nil {
			return fmt.Errorf("read --tokens-file: %w", err)
		}
		if tokens, err = access.ReadTokens(text); err != nil {
			return fmt.Errorf("--tokens-file %s: %w", t.several, err)
		}
	}
	if t.single != "" {
		text, err := os.ReadFile(t.single)
		if err != nil {
			return fmt.Errorf("read --admin-token-file: %w", err)
		}
		token := strings.TrimSpace(string(text))
		if len(token) < access.MinToken {
			return fmt.Errorf("the token in %s is shorter than %d characters: make one with, say, openssl rand -hex 24",
				t.single, access.MinToken)
		}
		if err := tokens.Add("admin", access.Rules, token); err != nil {
			return fmt.Errorf("--admin-token-file: %w", err)
		}
	}
	t.tokens, t.state = tokens, t.filesNow()
	return nil
}

// filesNow returns what shows that a file was changed.
func (t *adminTokens) filesNow() (state string) {
	for _, name := range []string{t.single, t.several} {
		if info, err := os.Stat(name); err == nil {
			state += fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size(), " ")
		}
	}
	return state
}

// current returns the tokens that are valid now. It looks at the files once a second.
func (t *adminTokens) current() *access.Tokens {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := time.Now(); now.Sub(t.lookedAt) >= time.Second {
		t.lookedAt = now
		if state := t.filesNow(); state != t.state {
			if err := t.load(); err != nil {
				t.state = state // so that it is logged once
				t.log.Error("the changed tokens cannot be used: those before stay valid", "error", err)
			} else {
				t.log.Info("the tokens of the admin listener were read again")
			}
		}
	}
	return t.tokens
}
