package main

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"
)

// starts are the ways in which events can come, for init.
var starts = []string{"mindtickle", "connector", "report"}

// firstFiles returns the first files for a way in which events come in; nil if there is
// no such way.
func firstFiles(from string, now time.Time) *start {
	switch from {
	case "mindtickle":
		return &start{next: nextWithWebhook, files: []startFile{
			{"rules.yaml", firstRules, 0o644},
			{"rules_test.yaml", firstTests, 0o644},
			{".env", envWith("# The signing secret that MindTickle shows for the webhook. This one is random, for tries.\n" +
				"MINDTICKLE_WEBHOOK_SECRET="), 0o600},
		}}
	case "connector":
		return &start{next: nextWithConnector, files: []startFile{
			{"rules.yaml", withSource(connectorSource), 0o644},
			{"rules_test.yaml", firstTests, 0o644},
			{
				".env", envWith("# The token that the connector sends. It is random: use it there too.\nCONNECTOR_TOKEN="),
				0o600,
			},
		}}
	case "report":
		return &start{next: nextWithReport, files: []startFile{
			{"rules.yaml", withSource(reportSource), 0o644},
			{"rules_test.yaml", firstTests, 0o644},
			{"reports/quiz-results-example.csv", exampleReport(now), 0o644},
		}}
	default:
		return nil
	}
}

// envWith returns the text of an .env file whose last setting gets a random value.
func envWith(text string) string {
	secret := make([]byte, 24)
	_, _ = rand.Read(secret) // it never fails
	return text + hex.EncodeToString(secret) + "\n# SLACK_BOT_TOKEN=xoxb-…\n"
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

// withSource returns firstRules with a source.
func withSource(source string) string {
	return strings.Replace(firstRules, "version: 1\n\n", "version: 1\n\n"+source+"\n", 1)
}

const connectorSource = `# How events come in: see docs/sources.md.
sources:
  connector:
    path: /webhooks/connector
    verify: {bearer: {env: CONNECTOR_TOKEN}}
    event: '"quiz.submitted"'
    # What tells a submission from all others: the same again is a duplicate.
    id: body.id
    data:
      userId: body.user
      quizName: body.quiz
      score: float(body.score)
    tests:
      - name: a submission becomes a quiz
        given: {body: {id: s-1, user: u1, quiz: Discovery, score: 61}}
        expect:
          events: [{event: quiz.submitted, id: s-1, data: {userId: u1, quizName: Discovery, score: 61}}]
`

const reportSource = `# How events come in: see docs/sources.md. Files beside this one that appear are read.
sources:
  report:
    files: reports/quiz-results-*.csv
    event: '"quiz.submitted"'
    # What tells a row from all others: the same again is a duplicate.
    id: row["User ID"] + "/" + row["Quiz"] + "/" + row["Attempt"]
    at: date(row["Submitted"], "2006-01-02 15:04", "UTC")
    data:
      userId: row["User ID"]
      quizName: row["Quiz"]
      score: float(row["Score"])
    # Older rows are recorded, and nothing is sent for them.
    act: within 24h
    tests:
      - name: a row becomes a quiz
        given:
          rows: [{User ID: u1, Quiz: Discovery, Attempt: 1, Submitted: 2026-03-02 09:30, Score: 61}]
        expect:
          events: [{event: quiz.submitted, id: u1/Discovery/1, at: "2026-03-02T09:30:00Z", data: {score: 61}}]
`

// exampleReport returns a report with rows of the last hours, and one that is too old
// to trigger anything.
func exampleReport(now time.Time) string {
	text := "User ID,Quiz,Attempt,Submitted,Score\n"
	for _, row := range []struct {
		before time.Duration
		from   string
		score  string
	}{
		{2 * time.Hour, "u1,Discovery,1", "61"},
		{time.Hour, "u2,Discovery,1", "92"},
		{7 * 24 * time.Hour, "u3,Discovery,1", "40"},
	} {
		text += row.from + "," + now.UTC().Add(-row.before).Format("2006-01-02 15:04") + "," + row.score + "\n"
	}
	return text
}

const (
	nextWithWebhook = `  heed test .                             # the rule does what it should
  set -a; . ./.env; set +a                # the secret, for heed serve and heed send
  heed serve --no-send                    # receive and decide; nothing is sent
  echo '{"event": "quiz.submitted", "data": {"userId": "u1", "quizName": "Discovery", "score": 61}}' |
    heed send --url http://127.0.0.1:8080/webhooks/mindtickle -
  heed why --user u1                      # what became of it
`
	nextWithConnector = `  heed test .                             # the source and the rule do what they should
  set -a; . ./.env; set +a                # the token, for heed serve and curl
  heed serve --no-send                    # receive and decide; nothing is sent
  curl http://127.0.0.1:8080/webhooks/connector -H "Authorization: Bearer $CONNECTOR_TOKEN" \
    -H "Content-Type: application/json" -d '{"id": "s-1", "user": "u1", "quiz": "Discovery", "score": 61}'
  heed why --user u1                      # what became of it
`
	nextWithReport = `  heed test .                             # the source and the rule do what they should
  heed ingest --source report --dry-run reports/quiz-results-example.csv   # what its rows would do
  heed serve --no-send                    # read what is dropped into reports; nothing is sent
  heed events list --source report        # after some seconds: what came in
  heed why --user u1                      # what became of it
`
)
