package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func newInit(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write first rules, a test and an .env, and say what to do next",
		Long: `Init writes rules.yaml with a rule, rules_test.yaml with a test of it, and .env with
the settings that heed needs, into DIR or the current directory. It never
overwrites a file.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("name one directory, not %d", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return initIn(s, dir)
		},
	}
	return cmd
}

const firstRules = `version: 1

# Where messages go. Change log to slack, email or http: see docs/rules.md.
actions:
  coaching:
    log: {}
    # slack: {token: {env: SLACK_BOT_TOKEN}, channel: "#coaching"}

rules:
  - name: low-quiz-score
    description: Flag low-scoring reps for a coaching follow-up
    on: quiz.submitted
    when: data.score < 70
    do:
      - action: coaching
        text: "{{ data.userId }} scored {{ data.score }} on {{ data.quizName }}."
`

const firstTests = `tests:
  - rule: low-quiz-score
    name: a failing quiz is flagged
    given: {event: quiz.submitted, data: {userId: u1, quizName: Discovery, score: 61}}
    expect:
      outcome: matched
      actions: [{action: coaching, text: u1 scored 61 on Discovery.}]
  - rule: low-quiz-score
    name: a good quiz is not
    given: {event: quiz.submitted, data: {userId: u1, quizName: Discovery, score: 92}}
    expect: {outcome: not_matched}
`

// initIn writes the first files. If one of them exists, none is written.
func initIn(s streams, dir string) error {
	secret := make([]byte, 24)
	_, _ = rand.Read(secret) // it never fails
	env := "# The signing secret that MindTickle shows for the webhook. This one is random, for tries.\n" +
		"MINDTICKLE_WEBHOOK_SECRET=" + hex.EncodeToString(secret) + "\n# SLACK_BOT_TOKEN=xoxb-…\n"
	files := []struct {
		name, text string
		mode       fs.FileMode
	}{
		{"rules.yaml", firstRules, 0o644}, {"rules_test.yaml", firstTests, 0o644}, {".env", env, 0o600},
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return usage("%s is a file: name a directory", dir)
	}
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, f.name)); !errors.Is(err, fs.ErrNotExist) {
			return usage("%s exists already, and nothing is overwritten: name another directory, heed init DIR", filepath.Join(dir, f.name))
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return failure(err)
	}
	for _, f := range files {
		if err := writeNew(filepath.Join(dir, f.name), f.text, f.mode); err != nil {
			return failure(err)
		}
		fmt.Fprintf(s.out, "wrote %s\n", filepath.Join(dir, f.name))
	}
	cd := ""
	if dir != "." {
		cd = "  cd " + dir + "\n"
	}
	fmt.Fprintf(s.out, `
Next:
%s  heed test .                             # the rule does what it should
  set -a; . ./.env; set +a                # the secret, for heed serve and heed send
  heed serve --no-send                    # receive and decide; nothing is sent
  echo '{"event": "quiz.submitted", "data": {"userId": "u1", "quizName": "Discovery", "score": 61}}' |
    heed send --url http://127.0.0.1:8080/webhooks/mindtickle -
  heed why --user u1                      # what became of it
`, cd)
	return nil
}

// writeNew writes a file that does not exist.
func writeNew(name, text string, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}
