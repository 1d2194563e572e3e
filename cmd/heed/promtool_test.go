package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestPromtool_takesAlertsAndMetrics holds both to Prometheus itself, where it is
// installed.
func TestPromtool_takesAlertsAndMetrics(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("there is no promtool here")
	}
	if out, err := exec.Command(promtool, "check", "rules", "../../deploy/prometheus-alerts.yaml").CombinedOutput(); err != nil {
		t.Errorf("promtool check rules: %v\n%s", err, out)
	}
	if out, err := exec.Command(promtool, "test", "rules", "testdata/alerts_test.yaml").CombinedOutput(); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
	s := startServer(t, rule("data.score < 70"))
	s.post("e1", `{"event":"quiz.submitted","data":{"userId":"u1","score":61}}`)
	s.settled("e1")
	check := exec.Command(promtool, "check", "metrics")
	var metrics string
	s.get("/metrics", &metrics)
	check.Stdin = strings.NewReader(metrics)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
