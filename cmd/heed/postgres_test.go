package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"heed/internal/admin"
	"heed/internal/app"
	"heed/internal/store/pgtest"
)

// storesRules have something of each kind: lookups of people, state and alerts.
const storesRules = `
actions: {console: {log: {}}}
rules:
  - name: every-quiz
    on: quiz.submitted
    do: [{action: console, text: "{{ data.userId }}"}]
  - name: low-twice
    on: quiz.submitted
    when: data.score < 70
    count: {at_least: 2, per: data.userId, within: 7d}
    do: [{action: console, text: "{{ data.userId }} again"}]
  - name: of-emea
    on: quiz.submitted
    when: user.teamId == "emea"
    do: [{action: console, text: "emea"}]
`

// tell sends the same events to some servers, in turn.
func tell(t *testing.T, servers ...*server) {
	t.Helper()
	bodies := []string{provisioned, "no JSON"}
	for i := range 8 {
		bodies = append(bodies,
			fmt.Sprintf(`{"event":"quiz.submitted","data":{"userId":"u%d","quizId":"q1","score":%d}}`, i%3, 50+5*i),
			fmt.Sprintf(`{"event":"module.progress","data":{"userId":"u%d","moduleId":"m1","progressPct":%d}}`, i%3, 10*i))
	}
	for i, body := range append(bodies, bodies[0]) {
		s := servers[i%len(servers)]
		id := fmt.Sprintf("e%d", i%len(bodies))
		if i == len(bodies) {
			id = "e0" // again, to another process
		}
		if r := s.post(id, body); r.status != http.StatusOK {
			t.Fatal(i, r)
		}
		for _, s := range servers {
			eventually(t, 20*time.Second, "what is due was fired", func() bool {
				var st admin.Status
				return s.get("/api/v1/status", &st) == http.StatusOK && len(st.Timers) == 0
			})
			eventually(t, 20*time.Second, "the person is known", func() bool { return s.get("/api/v1/people/u1", new(any)) == http.StatusOK })
		}
	}
}

// changing are the parts of what commands print that are never the same twice.
var changing = regexp.MustCompile(`\d+[- ][A-Z]?[a-z0-9-]* ?\d*:\d\d(:\d\d)?( UTC)?|\d{4}-\d\d-\d\dT[0-9:.]+Z` +
	`|\b[2-7a-z]{24}\b|\b[0-9a-f]{12,64}\b|\d+(\.\d+)?(ms|µs|s)\b|\d+ Nov|\s+$`)

func plainOutput(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	s := streams{in: strings.NewReader(""), out: &out, err: &errs, env: func(string) (string, bool) { return "", false }}
	code := run(args, s)
	var lines []string
	for line := range strings.Lines(out.String() + errs.String()) {
		line = changing.ReplaceAllString(strings.TrimRight(line, " \n"), "_")
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return fmt.Sprintf("exit %d\n%s", code, strings.Join(lines, "\n"))
}

// Every command says the same of a store on PostgreSQL, which three processes wrote,
// as of one on SQLite: over the admin listener and over the store itself.
func TestPostgres_commandsSayTheSame(t *testing.T) {
	pgtest.Skip(t)
	address := pgtest.New(t)
	shared := func(o *app.Options) { o.Store = address }
	var three []*server
	for range 3 {
		three = append(three, startServer(t, storesRules, held, shared))
	}
	one := startServer(t, storesRules, held)
	tell(t, one)
	tell(t, three...)
	eventually(t, 20*time.Second, "what one process stored, the others know of", func() bool {
		want, got := new(any), new(any)
		one.get("/api/v1/leaderboard", want)
		three[1].get("/api/v1/leaderboard", got)
		return fmt.Sprint(*want) == fmt.Sprint(*got)
	})
	rules := filepath.Join(one.dir, "rules.yaml")
	commands := [][]string{
		{"events", "list"},
		{"events", "list", "--user", "u1"},
		{"events", "list", "--outcome", "counted"},
		{"events", "list", "--status", "quarantined"},
		{"events", "list", "--rule", "low-twice", "-o", "json"},
		{"events", "show", "e2"},
		{"events", "show", "e1"},
		{"events", "replay", "e2"},
		{"why", "--user", "u1"},
		{"why", "--event", "e4"},
		{"deliveries", "list"},
		{"deliveries", "discard", "--all", "--yes"},
		{"people", "list"},
		{"people", "show", "u1"},
		{"leaderboard"},
		{"rules", "list"},
		{"rules", "mute", "every-quiz", "--for", "1h"},
		{"rules", "mutes"},
		{"rules", "unmute", "every-quiz"},
		{"people", "forget", "u2", "--yes"},
		{"events", "list", "--user", "u2"},
	}
	for _, command := range commands {
		want := plainOutput(t, append(command, "--admin", one.app.AdminURL())...)
		got := plainOutput(t, append(command, "--admin", three[1].app.AdminURL())...)
		if got != want {
			t.Errorf("%v\nSQLite:\n%s\nPostgreSQL:\n%s", command, want, got)
		}
	}
	for _, s := range append(three, one) {
		s.stop()
	}
	for _, against := range []string{one.app.Data, address} {
		got := plainOutput(t, "check", rules, "--against", against)
		if !strings.Contains(got, "these rules are active already") {
			t.Errorf("check --against %s:\n%s", against, got)
		}
	}
	timeline := filepath.Join(one.dir, "timeline.yaml")
	later := `[{at: "2030-03-02T10:00Z", event: quiz.submitted, data: {userId: u1, score: 1}}]`
	if err := os.WriteFile(timeline, []byte(later), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range append(commands, []string{"backtest", "--rules", rules}, []string{"rebuild", "--dry-run"},
		[]string{"dry-run", "--rules", rules, "--timeline", timeline, "--with-state"}) {
		want := plainOutput(t, append(command, "--data", one.app.Data)...)
		got := plainOutput(t, append(command, "--store", address)...)
		if got = strings.ReplaceAll(got, address, one.app.Data); got != want {
			t.Errorf("%v\nSQLite:\n%s\nPostgreSQL:\n%s", command, want, got)
		}
	}
	if out := plainOutput(t, "backup", "--store", address, "x"); !strings.Contains(out, "pg_dump") {
		t.Error(out)
	}
}

// Status names the processes, and a skew of their rules and one that is gone.
func TestPostgres_statusNamesTheProcesses(t *testing.T) {
	pgtest.Skip(t)
	address := pgtest.New(t)
	shared := func(o *app.Options) { o.Store = address }
	one := startServer(t, storesRules, held, shared)
	startServer(t, storesRules, held, shared)
	var st admin.Status
	if one.get("/api/v1/status", &st); len(st.Processes) != 2 || len(st.Problems) != 0 {
		t.Fatalf("%+v", st)
	}
	other := startServer(t, logRule, held, shared)
	if one.get("/api/v1/status", &st); len(st.Processes) != 3 || len(st.Problems) != 1 ||
		!strings.Contains(st.Problems[0], "do not have the same rules") {
		t.Fatalf("%+v", st)
	}
	if metrics := textOf(t, one.app.AdminURL()+"/metrics"); strings.Count(metrics, "heed_processes{") != 2 {
		t.Error("the metrics do not show the skew")
	}
	other.stop()
	if one.get("/api/v1/status", &st); len(st.Processes) != 2 || len(st.Problems) != 0 {
		t.Errorf("%+v", st)
	}
}

func textOf(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What is wrong with a database is said in words.
func TestPostgres_startSaysWhatIsWrong(t *testing.T) {
	pgtest.Skip(t)
	address := pgtest.New(t)
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(rules, []byte(logRule), 0o600); err != nil {
		t.Fatal(err)
	}
	nobody := strings.Replace(address, "/heed_", "/missing_", 1)
	for at, want := range map[string]string{
		nobody: "there is no such database: create it",
		"postgres://heed:s3cret@127.0.0.1:1/heed?connect_timeout=2": "the database cannot be reached",
		"mysql://heed@localhost/heed":                               "is not the address of a store",
	} {
		out := plainOutput(t, "status", "--store", at)
		if !strings.Contains(out, want) || strings.Contains(out, "s3cret") {
			t.Errorf("%s: %s", at, out)
		}
	}
}
