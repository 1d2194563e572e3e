package main

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"heed/engine/document"
	"heed/internal/receiver"
)

// What docs/operations.md and the files beside it say is held to what heed does.

func readDoc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// exposed runs a server through all that it counts and gives the labels of each
// metric that it then has.
func exposed(t *testing.T) map[string][]string {
	s := startServer(t, `
actions:
  hook: {http: {url: "http://127.0.0.1:1", allow_private: true, retry: {attempts: 1}}}
  rare: {log: {rate: 1/h}}
rules:
  - {name: dead, on: quiz.submitted, do: [{action: hook}]}
  - {name: waits, on: course.completed, do: [{action: rare, text: one}, {action: rare, text: two}]}
  - {name: once, on: quiz.submitted, throttle: {at_most: 1, within: 1h}, do: [{action: rare, text: three}]}
  - name: odd
    on: user.provisioned
    do: [{action: rare, text: five}]
    tests: [{name: it is not so, given: {event: user.provisioned, data: {}}, expect: {outcome: not_matched}}]
  - {name: later, on: quiz.submitted, wait: {after: 1h}, do: [{action: rare, text: four}]}
`)
	s.post("evt-1", oneQuiz)
	s.settled("evt-1")
	s.post("evt-5", oneQuiz) // which is throttled
	s.post("evt-2", `{"event":"course.completed","companyId":"c1","data":{}}`)
	s.post("evt-3", `{"event":`)
	s.post("evt-4", oneQuiz, func(r *http.Request) { r.Header.Set("x-mt-webhook-signature", strings.Repeat("0", 64)) })
	var text string
	eventually(t, 20*time.Second, "the result of the rules' tests", func() bool {
		s.get("/metrics", &text)
		return strings.Contains(text, `heed_rule_health{problem="failing_tests",rule="odd"} 1`)
	})
	return metricsOf(t, text)
}

// series is a sample's name and its labels.
var series = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? `)

var label = regexp.MustCompile(`([a-z_]+)="`)

func metricsOf(t *testing.T, text string) map[string][]string {
	t.Helper()
	metrics := map[string][]string{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if sample := series.FindStringSubmatch(lines.Text()); sample != nil && strings.HasPrefix(sample[1], "heed_") {
			labels := []string{"instance"} // Prometheus adds it
			for _, l := range label.FindAllStringSubmatch(sample[2], -1) {
				labels = append(labels, l[1])
			}
			metrics[sample[1]] = labels
		}
	}
	if len(metrics) < 13 {
		t.Fatalf("the server has only %v", metrics)
	}
	return metrics
}

var (
	metricUse  = regexp.MustCompile(`\bheed_[a-z_]+(\{[^}]*\})?`)
	labelUse   = regexp.MustCompile(`[{,]\s*([a-z_]+)`)
	histograms = regexp.MustCompile(`_(bucket|sum|count)$`)
)

func TestTheMetricsInTheDocsAreThoseOfTheServer(t *testing.T) {
	metrics := exposed(t)
	for _, name := range []string{"docs/operations.md", "deploy/prometheus-alerts.yaml", "deploy/grafana-dashboard.json", "README.md"} {
		text := strings.ReplaceAll(readDoc(t, name), `\"`, `"`)
		uses := metricUse.FindAllString(text, -1)
		for _, use := range uses {
			metric, labels, _ := strings.Cut(use, "{")
			known, ok := metrics[metric]
			if !ok {
				if known, ok = metrics[metric+"_count"]; !ok {
					t.Errorf("%s names the metric %s, which the server does not have", name, metric)
					continue
				}
			}
			for _, l := range labelUse.FindAllStringSubmatch("{"+regexp.MustCompile(`"[^"]*"`).ReplaceAllString(labels, ""), -1) {
				if !slices.Contains(known, l[1]) {
					t.Errorf("%s names the label %s of %s, which has %v", name, l[1], metric, known)
				}
			}
		}
		if name != "README.md" && len(uses) < 8 {
			t.Errorf("%s names %d metrics", name, len(uses))
		}
	}
	operations := readDoc(t, "docs/operations.md")
	for metric := range metrics {
		if short := histograms.ReplaceAllString(metric, ""); !strings.Contains(operations, "| `"+short) {
			t.Errorf("docs/operations.md does not explain %s", short)
		}
	}
}

func TestTheAlertsAreARuleFileOfPrometheus(t *testing.T) {
	var report document.Report
	root := document.Parse("prometheus-alerts.yaml", []byte(readDoc(t, "deploy/prometheus-alerts.yaml")), &report)
	if problems := report.Problems(); root == nil || len(problems) > 0 {
		t.Fatalf("no YAML: %v", problems)
	}
	names := map[string]bool{}
	for _, group := range onlyKeys(t, root, "groups").Get("groups").Items() {
		for _, rule := range onlyKeys(t, group, "name", "rules").Get("rules").Items() {
			onlyKeys(t, rule, "alert", "expr", "for", "labels", "annotations")
			name := rule.Get("alert")
			if name == nil || !strings.HasPrefix(name.Text(), "Heed") || names[name.Text()] {
				t.Fatalf("an alert is called %v", name)
			}
			names[name.Text()] = true
			if expr := rule.Get("expr"); expr == nil || !balanced(expr.Text()) {
				t.Errorf("%s: no expression", name.Text())
			}
			severity := onlyKeys(t, rule.Get("labels"), "severity").Get("severity")
			if severity == nil || !slices.Contains([]string{"page", "ticket"}, severity.Text()) {
				t.Errorf("%s: severity is %v", name.Text(), severity)
			}
			notes := onlyKeys(t, rule.Get("annotations"), "summary", "description")
			if notes.Get("summary") == nil || notes.Get("description") == nil {
				t.Errorf("%s says too little", name.Text())
			}
		}
	}
	if len(names) < 8 {
		t.Errorf("only the alerts %v", names)
	}
}

// onlyKeys sees to it that an object has no other keys.
func onlyKeys(t *testing.T, n *document.Node, keys ...string) *document.Node {
	t.Helper()
	if n == nil || !n.IsObject() {
		t.Fatalf("an object with %v is missing", keys)
	}
	for _, pair := range n.Pairs() {
		if !slices.Contains(keys, pair.Key.Text()) {
			t.Errorf("the key %s is none of %v", pair.Key.Text(), keys)
		}
	}
	return n
}

func balanced(expr string) bool {
	return expr != "" && strings.Count(expr, "(") == strings.Count(expr, ")") &&
		strings.Count(expr, "{") == strings.Count(expr, "}")
}

// Proxies must let through what heed takes, and no more.
func TestTheProxiesTakeWhatHeedTakes(t *testing.T) {
	for name, line := range map[string]string{"deploy/nginx.conf": "client_max_body_size 1m;", "deploy/Caddyfile": "max_size 1MiB\n"} {
		if receiver.MaxBody != 1<<20 || !strings.Contains(readDoc(t, name), line) {
			t.Errorf("%s does not take bodies up to %d bytes", name, receiver.MaxBody)
		}
	}
}

func TestTheDashboardIsOne(t *testing.T) {
	var dashboard struct {
		Title  string
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(readDoc(t, "deploy/grafana-dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.Title != "heed" || len(dashboard.Panels) < 10 {
		t.Errorf("%d panels", len(dashboard.Panels))
	}
	for _, panel := range dashboard.Panels {
		if len(panel.Targets) == 0 || panel.Title == "" {
			t.Errorf("the panel %q is empty", panel.Title)
		}
		for _, target := range panel.Targets {
			if !balanced(target.Expr) {
				t.Errorf("%s: %s", panel.Title, target.Expr)
			}
		}
	}
}

var (
	flagUse     = regexp.MustCompile(`--([a-z][a-z-]+)`)
	variableUse = regexp.MustCompile(`\bHEED_[A-Z_]+`)
)

func TestTheDeploymentUsesFlagsThatServeHas(t *testing.T) {
	serve := newServe(streams{}).Flags()
	for name, line := range map[string]*regexp.Regexp{
		"deploy/heed.service": regexp.MustCompile(`(?m)^ExecStart=/usr/bin/heed serve (.*)$`),
		"deploy/Dockerfile":   regexp.MustCompile(`(?m)^CMD \["serve", (.*)\]$`),
	} {
		text := readDoc(t, name)
		command := line.FindStringSubmatch(text)
		if command == nil {
			t.Fatalf("%s does not start heed serve", name)
		}
		flags := flagUse.FindAllStringSubmatch(command[1], -1)
		for _, f := range flags {
			if serve.Lookup(f[1]) == nil {
				t.Errorf("%s: heed serve has no flag --%s", name, f[1])
			}
		}
		for _, v := range variableUse.FindAllString(text, -1) {
			if f := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(v, "HEED_")), "_", "-"); serve.Lookup(f) == nil {
				t.Errorf("%s: %s is no variable of heed serve", name, v)
			}
		}
		if len(flags) < 3 {
			t.Errorf("%s: found only %v", name, flags)
		}
	}
}

// TestTheCommandsInTheDocsAreThere looks up each command of a shell block, and
// its flags.
func TestTheCommandsInTheDocsAreThere(t *testing.T) {
	for _, name := range []string{"README.md", "docs/operations.md"} {
		for _, block := range fence.FindAllStringSubmatch(readDoc(t, name), -1) {
			if block[1] != "sh" {
				continue
			}
			for command := range strings.SplitSeq(block[2], "\n") {
				command, _, _ = strings.Cut(strings.TrimPrefix(command, "bin/"), "#")
				if words := strings.Fields(command); len(words) > 1 && words[0] == "heed" {
					checkCommand(t, name, words)
				}
			}
		}
	}
}

func checkCommand(t *testing.T, doc string, words []string) {
	t.Helper()
	command, rest, err := newRoot(streams{env: os.LookupEnv}).Find(words[1:])
	if err != nil || !command.Runnable() || command.HasSubCommands() {
		t.Errorf("%s: %s: there is no such command: %v", doc, strings.Join(words, " "), err)
		return
	}
	for _, word := range rest {
		if f, isFlag := strings.CutPrefix(word, "--"); isFlag && command.Flags().Lookup(f) == nil {
			t.Errorf("%s: %s has no flag --%s", doc, command.CommandPath(), f)
		}
	}
}

func TestTheLogMessagesInTheDocsAreThoseOfTheSource(t *testing.T) {
	var all strings.Builder
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, log, _ := strings.Cut(readDoc(t, "docs/operations.md"), "\n| message | level |")
	table, _, _ := strings.Cut(log, "\n\n")
	messages := 0
	for _, row := range regexp.MustCompile(`(?m)^\| (.+?) \| (?:info|warn|error) \|`).FindAllStringSubmatch(table, -1) {
		for message := range strings.SplitSeq(strings.Trim(row[1], "`"), "`, `") {
			messages++
			if !strings.Contains(all.String(), `"`+message+`"`) {
				t.Errorf("nothing logs %q", message)
			}
		}
	}
	if messages < 15 {
		t.Errorf("found %d messages", messages)
	}
}
