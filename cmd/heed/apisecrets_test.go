package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"heed/engine/document"
)

// Rules that are given to the API tell nobody which files and variables there
// are: the answer is the same whether they are there or not.
func TestDryRunAPI_looksForNoSecrets(t *testing.T) {
	s := startServer(t, logRule)
	t.Setenv("HEED_TEST_SECRET", "https://canary.example.com/x")
	there := filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(there, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for kind, action := range map[string]string{
		"token":   "slack: {token: SECRET, channel: '#c'}",
		"webhook": "slack: {webhook_url: SECRET}",
		"url":     "http: {url: SECRET}",
		"header":  "http: {url: https://x.example.com, headers: {Authorization: SECRET}}",
		"email":   "email: {smtp: mail.example.com:587, from: a@example.com, username: u, password: SECRET}",
	} {
		var first string
		for _, from := range []string{
			"{env: HEED_TEST_MISSING}", "{env: HEED_TEST_SECRET}",
			"{file: " + there + "}", "{file: " + there + "-not}", "{file: /dev/ptmx}",
		} {
			const text = "actions: {log: {log: {}}, x: {%s}}\n" +
				"rules: [{name: r, on: quiz.submitted, do: [{action: log, text: y}]}]\n"
			rules := fmt.Sprintf(text,
				strings.ReplaceAll(action, "SECRET", from))
			body, err := json.Marshal(map[string]any{"rules": rules, "events": []any{json.RawMessage(oneQuiz)}})
			if err != nil {
				t.Fatal(err)
			}
			response, err := http.Post(s.app.AdminURL()+"/api/v1/dry-run", "application/json", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Problems []document.Problem }
			if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			var messages []string
			for _, p := range got.Problems {
				messages = append(messages, p.Code+" "+p.Message)
			}
			slices.Sort(messages)
			shown := fmt.Sprint(response.StatusCode, messages)
			if first == "" {
				first = shown
			}
			revealed := strings.Contains(shown, "canary") || strings.Contains(shown, "missing-")
			if shown != first || response.StatusCode != 200 || revealed {
				t.Errorf("%s from %s: %s\nthe first: %s", kind, from, shown, first)
			}
		}
	}
}
