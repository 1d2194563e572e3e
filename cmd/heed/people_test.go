package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"heed/internal/app"
	"heed/internal/store"
)

const provisioned = `{"event":"user.provisioned","data":{"userId":"u1","email":"maya@example.com","teamId":"emea"}}`

// TestWhatIsKnownOfPeopleOutlivesARestart sends an event and asks for its person
// at once, after an orderly restart, and after it was replayed.
func TestWhatIsKnownOfPeopleOutlivesARestart(t *testing.T) {
	s := startServer(t, logRule, held)
	if r := s.post("e1", provisioned); r.status != http.StatusOK {
		t.Fatal(r)
	}
	s.post("e2", `{"event":"module.progress","data":{"userId":"u1","moduleId":"m1","progressPct":40}}`)
	s.post("e3", `{"event":"module.progress","data":{"userId":"u1","moduleId":"m1","progressPct":"all"}}`)
	s.post("e4", `no JSON`)
	check := func(s *server) {
		t.Helper()
		var p struct {
			Team  string `json:"team_id"`
			Items []struct {
				Progress float64 `json:"progress_pct"`
			}
		}
		if status := s.get("/api/v1/people/u1", &p); status != http.StatusOK || p.Team != "emea" || len(p.Items) != 1 || p.Items[0].Progress != 40 {
			t.Errorf("%d, %+v", status, p)
		}
	}
	check(s)
	s.stop()
	db, err := store.Open(t.Context(), store.Options{Dir: s.app.Data})
	if err != nil {
		t.Fatal(err)
	}
	if learnt, last, err := db.Learnt(t.Context()); learnt != 4 || last != 4 || err != nil {
		t.Errorf("the end saved up to %d of %d, %v", learnt, last, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again := startServer(t, logRule, held, func(o *app.Options) { o.Data = s.app.Data })
	check(again)
	gone := postAdmin(t, again, "/api/v1/forget", "application/json", `{"user":"u1"}`)
	if gone.status != http.StatusOK || again.get("/api/v1/people/u1", new(string)) != http.StatusNotFound {
		t.Errorf("forgotten: %v", gone)
	}
}

func postAdmin(t *testing.T, s *server, path, mediaType, body string) reply {
	t.Helper()
	response, err := http.Post(s.app.AdminURL()+path, mediaType, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, string(answer)}
}

func TestTheAPIOfPeopleSaysWhatIsWrong(t *testing.T) {
	s := startServer(t, logRule, held)
	for path, want := range map[string]string{
		"/api/v1/leaderboard?by=fame":    "write progress, time, score, completions",
		"/api/v1/leaderboard?since=soon": "write 2026-03-01",
		"/api/v1/leaderboard?limit=0":    "from 1 to 500",
		"/api/v1/people?limit=x":         "from 1 to 500",
		"/api/v1/people/nobody":          "nothing is known",
	} {
		var p struct {
			Status        int
			Title, Detail string
		}
		if status := s.get(path, &p); status < 400 || p.Status != status || !strings.Contains(p.Detail, want) {
			t.Errorf("%s: %d, %+v", path, status, p)
		}
	}
	for _, c := range []struct {
		path, mediaType, body string
		status                int
		want                  string
	}{
		{"", "application/json", "userId\nu1\n", 415, "text/csv"},
		{"?dry_run=perhaps", "text/csv", "userId\nu1\n", 400, "true or false"},
		{"", "text/csv", "userId\nu1\nu1\n", 400, "u1 has line 2 already"},
		{"?dry_run=true", "text/csv", "userId\nu1\nu1\n", 200, "u1 has line 2 already"},
		{"?dry_run=true", "text/csv; charset=utf-8", "userId\nu1\n", 200, `"imported":false`},
		{"", "text/csv", strings.Repeat("x", 65<<20), 413, "in parts"},
	} {
		if r := postAdmin(t, s, "/api/v1/people/import"+c.path, c.mediaType, c.body); r.status != c.status || !strings.Contains(r.body, c.want) {
			t.Errorf("%s %s: %d %.300s", c.path, c.mediaType, r.status, r.body)
		}
	}
	if s.get("/api/v1/people/u1", new(string)) != http.StatusNotFound {
		t.Error("a dry run has imported somebody")
	}
}

func TestPeopleAreListedPageByPage(t *testing.T) {
	s := startServer(t, logRule, held)
	sheet := "userId,teamId\n"
	for i := range 1203 {
		sheet += fmt.Sprintf("u%04d,t%d\n", i*7%1203, i%2)
	}
	if r := postAdmin(t, s, "/api/v1/people/import", "text/csv", sheet); r.status != http.StatusOK {
		t.Fatal(r)
	}
	seen, cursor := 0, ""
	for {
		var page struct {
			People []struct {
				ID string `json:"user_id"`
			}
			Next string `json:"next_cursor"`
		}
		s.get("/api/v1/people?limit=500&cursor="+cursor, &page)
		for _, p := range page.People {
			if p.ID != fmt.Sprintf("u%04d", seen) {
				t.Fatalf("%s is number %d", p.ID, seen)
			}
			seen++
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if seen != 1203 {
		t.Errorf("%d people", seen)
	}
	var team struct{ People []json.RawMessage }
	if s.get("/api/v1/people?limit=500&team=t1", &team); len(team.People) != 500 {
		t.Errorf("%d of a team", len(team.People))
	}
}

// Who sends events chooses the ids, so the command that goes on with a list, which
// people copy into their shell, must not hold one.
func TestTheCursorOfPeopleIsNoId(t *testing.T) {
	s := startServer(t, logRule, held)
	for i, user := range []string{`a\u001b]0;x\u0007$(id)\nroot`, "b", "c"} {
		s.post(fmt.Sprint("e", i), fmt.Sprintf(`{"event":"user.provisioned","data":{"userId":"%s"}}`, user))
	}
	var page struct {
		People []struct {
			ID string `json:"user_id"`
		} `json:"people"`
		Next string `json:"next_cursor"`
	}
	s.get("/api/v1/people?limit=1", &page)
	if len(page.People) != 1 || !regexp.MustCompile(`^[A-Za-z0-9_-]+$`).MatchString(page.Next) {
		t.Fatalf("%+v", page)
	}
	s.get("/api/v1/people?limit=1&cursor="+page.Next, &page)
	if len(page.People) != 1 || page.People[0].ID != "b" {
		t.Errorf("%+v", page)
	}
	if status := s.get("/api/v1/people?cursor=%24", new(any)); status != http.StatusBadRequest {
		t.Errorf("a cursor that no page gave: %d", status)
	}
}
