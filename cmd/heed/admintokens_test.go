package main

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heed/internal/admin/access"
)

func TestAdminTokens_areReadAgainWhenTheFileChanges(t *testing.T) {
	name := filepath.Join(t.TempDir(), "tokens")
	write := func(text string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	const first, second = "first-token-of-24-chars!", "second-token-of-24-chars"
	now := time.Now()
	write("vera viewer "+first+"\n", now)
	log := &lockedBuffer{}
	tokens := &adminTokens{several: name, log: slog.New(slog.NewTextHandler(log, nil))}
	if err := tokens.load(); err != nil {
		t.Fatal(err)
	}
	role := func(token string) access.Role {
		tokens.lookedAt = time.Time{} // as if a second had passed
		gate := access.Gate{Tokens: tokens.current}
		who, _ := gate.Identify(bearer(token))
		return who.Role
	}
	if got := role(first); got != access.Viewer {
		t.Errorf("at first: %s", got)
	}
	write("vera operator "+second+"\n", now.Add(time.Second))
	if role(first) != access.Nobody || role(second) != access.Operator {
		t.Error("the changed file does not count")
	}
	write("vera operator\n", now.Add(2*time.Second))
	if role(second) != access.Operator || !strings.Contains(log.String(), "those before stay valid") {
		t.Errorf("a file that cannot be used counts; the log has %s", log)
	}
}

func bearer(token string) *http.Request {
	return &http.Request{Header: http.Header{"Authorization": {"Bearer " + token}}}
}
