package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestNew_refusesUnknownParameters(t *testing.T) {
	h := handler(func(o *options) {
		o.Metrics = http.NotFoundHandler()
	})
	var index struct{ Paths []string }
	if err := json.Unmarshal(call(h, "GET", "/").Body.Bytes(), &index); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range index.Paths {
		method, path, _ := strings.Cut(pattern, " ")
		if strings.HasPrefix(path, "/-/healthy") || strings.HasPrefix(path, "/-/ready") {
			continue // whoever probes them may add what they like
		}
		w := call(h, method, strings.ReplaceAll(path, "{id}", "d1")+"?userr=u1")
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `there is no parameter \"userr\"`) ||
			w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s answers %d %s", pattern, w.Code, w.Body)
		}
	}
	if len(index.Paths) < 20 {
		t.Errorf("there are only the paths %q", index.Paths)
	}
	for query, want := range map[string]string{
		"person=u1": "takes type, source, status, user, rule, outcome, since, until, limit, cursor", "statsu=accepted": "did you mean status?", "limit=1&limit=2": "is given 2 times", "type=%zz": "cannot be read",
	} {
		if w := call(h, "GET", "/api/v1/events?"+query); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s answers %d %s, want %s", query, w.Code, w.Body, want)
		}
	}
	for path, want := range map[string]string{
		"events?status=lost": "status is accepted", "stream?status=lost": "status is accepted",
		"stream?outcome=lost": "outcome is one of", "mutes?all=maybe": "all is true or false",
		"events?since=1h&until=2h": "is not before until", "why?user=u1&since=1h&until=2h": "is not before until",
	} {
		if w := call(h, "GET", "/api/v1/"+path); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s answers %d %s, want %s", path, w.Code, w.Body, want)
		}
	}
	if w := call(h, "GET", "/api/v1/events?type=a&status=accepted&limit=1"); w.Code != http.StatusOK {
		t.Errorf("known parameters are answered %d %s", w.Code, w.Body)
	}
}
