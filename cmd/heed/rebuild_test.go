package main

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"

	"heed/engine/people"
	"heed/internal/store"
)

// A rebuild mends what an older heed got wrong; with --dry-run it only says so.
func TestRebuild_dryRunChangesNothing(t *testing.T) {
	s := startServer(t, logRule, held)
	s.post("evt-1", `{"event":"user.provisioned","data":{"userId":"u1","email":"maya@example.com"}}`)
	// Who is asked for is learnt, so that the end saves what the checkpoint says.
	if status := s.get("/api/v1/people/u1", new(string)); status != http.StatusOK {
		t.Fatal(status)
	}
	s.stop()
	db, err := store.Open(t.Context(), store.Options{Dir: s.app.Data})
	if err != nil {
		t.Fatal(err)
	}
	learnt, _, err := db.Learnt(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	nobody := func(func(*people.Rows) error) error { return nil }
	if err := db.ReplacePeople(t.Context(), nobody, learnt); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		args, want string
	}{
		{"rebuild --dry-run", "1 person: 0 continued from before or imported, 1 would change\n"},
		{"rebuild --dry-run --yes", "1 would change\n"},
		{"people list", "nobody\n"},
		{"rebuild --yes", "changed\n"},
		{"rebuild --dry-run", "all is as it should be\n"},
		{"people list", "maya@example.com"},
	} {
		var out bytes.Buffer
		code := run(append(strings.Fields(step.args), "--data", s.app.Data), streams{in: strings.NewReader(""), out: &out, err: &out, env: os.LookupEnv})
		if code != exitOK || !strings.Contains(out.String(), step.want) {
			t.Errorf("heed %s: exit %d\n%swant %s", step.args, code, &out, step.want)
		}
	}
}
