package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"heed/engine/document"
	"heed/engine/ruletest"
)

func TestDryRunAPI_sendsAndStoresNothing(t *testing.T) {
	s := startServer(t, logRule)
	type answer struct {
		Results  []ruletest.Result  `json:"results"`
		Problems []document.Problem `json:"problems"`
		Detail   string             `json:"detail"`
	}
	ask := func(rules string, events ...string) (int, answer) {
		t.Helper()
		var raw []json.RawMessage
		for _, e := range events {
			raw = append(raw, json.RawMessage(e))
		}
		body, err := json.Marshal(map[string]any{"rules": rules, "events": raw})
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.Post(s.app.AdminURL()+"/api/v1/dry-run", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var got answer
		if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, got
	}
	const quiz = `{"event":"quiz.submitted","data":{"userId":"u1","score":61}}`
	if status, got := ask("", quiz, `{"event":"course.completed"}`); status != 200 || len(got.Results) != 2 || got.Results[0].Decisions[0].Outcome != "matched" || len(got.Results[1].Decisions) != 0 {
		t.Errorf("by the active rules: %d %+v", status, got)
	}
	status, got := ask(rule("data.score < 10"), quiz)
	if status != 200 || got.Results[0].Decisions[0].Outcome != "not_matched" || got.Results[0].Decisions[0].Explain == nil {
		t.Errorf("by other rules: %d %+v", status, got)
	}
	if status, got := ask(rule("data.scor < 10"), quiz); status != 400 || len(got.Problems) != 1 || got.Problems[0].Code != "unknown-field" || got.Problems[0].Line == 0 {
		t.Errorf("by broken rules: %d %+v", status, got)
	}
	if status, got := ask("", `[1]`); status != 400 || !strings.Contains(got.Detail, "events[0] is not an event") {
		t.Errorf("no event: %d %+v", status, got)
	}
	large := `{"event":"quiz.submitted","data":{"list":[` + strings.Repeat("{},", 400_000) + `{}]}}`
	if status, got := ask("", quiz, large); status != 400 || got.Detail != "events[1] has more than 1 MiB, which no event may have" {
		t.Errorf("an event that nobody can send: %d %.300q", status, got.Detail)
	}
	if status, got := ask(""); status != 400 || !strings.Contains(got.Detail, "1 to 1000 events") {
		t.Errorf("no events: %d %+v", status, got)
	}
	// A text from elsewhere must not read files here.
	secret := "lookups: {m: {file: /etc/passwd, key: root}}\n" + logRule
	if status, got := ask(secret, quiz); status != 400 || got.Problems[0].Code != "unreadable-table" {
		t.Errorf("a table from anywhere: %d %+v", status, got)
	}
	var stored struct{ Events []any }
	if s.get("/api/v1/events", &stored); len(stored.Events) != 0 {
		t.Errorf("a dry run stored %d events", len(stored.Events))
	}
}
