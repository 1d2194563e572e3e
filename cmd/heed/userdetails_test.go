package main

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heed/internal/app"
)

const detailRules = `
actions:
  sink:
    http: {url: URL, allow_private: true}
rules:
  - name: tell
    on: quiz.submitted
    do:
      - action: sink
        json: {name: "{{ user.name }}", manager: "{{ user.manager }}", email: "{{ user.email }}"}
`

// TestServe_knowsNamesAndManagers imports people by id and by address, and lets a
// table tell the rest.
func TestServe_knowsNamesAndManagers(t *testing.T) {
	sink := newSink(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	rules := strings.Replace(detailRules, "URL", sink.URL, 1)
	log := &lockedBuffer{}
	s := startServer(t, rules, func(o *app.Options) {
		o.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	eventually(t, 10*time.Second, "the warning that nobody is known", func() bool {
		text := log.String()
		return strings.Contains(text, "rules ask who users are, and nobody is known") && strings.Contains(text, "rule=tell")
	})
	s.post("hire", `{"event":"user.provisioned","data":{"userId":"u1","email":"ada@example.com"}}`)
	s.settled("hire")
	for _, sheet := range []string{
		"userId,email,full name,manager\nb1,nora@example.com,Nora Lind,\nu2,tom@example.com,Tom Berg,b1\n",
		"email,first name,last name,manager email\nADA@example.com,Ada,Lovelace,nora@example.com\n",
	} {
		response, err := http.Post(s.app.AdminURL()+"/api/v1/people/import?dry_run=false", "text/csv",
			strings.NewReader(sheet))
		if err != nil {
			t.Fatal(err)
		}
		if response.Body.Close(); response.StatusCode != http.StatusOK {
			t.Fatalf("import: %s", response.Status)
		}
	}
	s.post("q1", `{"event":"quiz.submitted","data":{"userId":"u1"}}`)
	s.post("q2", `{"event":"quiz.submitted","data":{"userId":"u2"}}`)
	s.settled("q1")
	s.settled("q2")
	got := map[string]bool{}
	for _, c := range sink.got() {
		got[c.body] = true
	}
	for _, want := range []string{
		`{"name":"Ada Lovelace","manager":"nora@example.com","email":"ADA@example.com"}`,
		`{"name":"Tom Berg","manager":"nora@example.com","email":"tom@example.com"}`, // by the manager's id
	} {
		if !got[want] {
			t.Errorf("no %s in %v", want, got)
		}
	}
	s.stop()
}

func TestServe_aTableTellsWhoUsersAre(t *testing.T) {
	sink := newSink(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	rules := "lookups:\n  managers: {file: managers.csv, key: userId, user: {manager: email, name: person}}\n" +
		strings.Replace(detailRules, "URL", sink.URL, 1)
	log := &lockedBuffer{}
	s := startServer(t, rules, func(o *app.Options) {
		o.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
		table := "userId,email,person\nu1,nora@example.com,Ada of the table\nu2,ravi@example.com,\n"
		if err := os.WriteFile(filepath.Join(filepath.Dir(o.Rules), "managers.csv"), []byte(table), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	s.post("hire", `{"event":"user.provisioned","data":{"userId":"u1","email":"ada@example.com"}}`)
	s.settled("hire")
	for _, id := range []string{"u1", "u2"} {
		s.post("of-"+id, `{"event":"quiz.submitted","data":{"userId":"`+id+`"}}`)
		s.settled("of-" + id)
	}
	var got []string
	for _, c := range sink.got() {
		got = append(got, c.body)
	}
	want := `{"name":"Ada of the table","manager":"nora@example.com","email":"ada@example.com"}` +
		`{"name":null,"manager":"ravi@example.com","email":null}`
	if text := strings.Join(got, ""); text != want {
		t.Errorf("got %s\nwant %s", text, want)
	}
	var shown struct {
		Decisions []struct {
			Explain struct{ Result string } `json:"explain"`
		} `json:"decisions"`
	}
	s.get("/api/v1/events/of-u1", &shown)
	if s.stop(); strings.Contains(log.String(), "nobody is known") {
		t.Errorf("the log says %s", log.String())
	}
}
