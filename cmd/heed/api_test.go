package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheDescriptionOfTheAPINamesEveryPath(t *testing.T) {
	s := startServer(t, logRule)
	var index struct{ Paths []string }
	s.get("/", &index)
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var described []string
	for _, m := range regexp.MustCompile("(?m)^\\| `((?:GET|POST|DELETE) [^`]+)` \\|").FindAllSubmatch(text, -1) {
		described = append(described, string(m[1]))
	}
	slices.Sort(described)
	slices.Sort(index.Paths)
	if diff := cmp.Diff(index.Paths, described); diff != "" {
		t.Errorf("docs/api.md describes other paths than there are (-there +described):\n%s", diff)
	}
}

func TestTheAPIHasNoNullsForEmptyLists(t *testing.T) {
	s := startServer(t, logRule)
	var index struct{ Paths []string }
	s.get("/", &index)
	n := 0
	for _, path := range index.Paths {
		path, reads := strings.CutPrefix(path, "GET /api/v1/")
		if !reads || strings.Contains(path, "{") || path == "stream" || path == "openapi.yaml" {
			continue
		}
		var answer json.RawMessage
		s.get("/api/v1/"+path, &answer)
		if n++; strings.Contains(string(answer), "null") {
			t.Errorf("%s: %s", path, answer)
		}
	}
	if n < 10 {
		t.Errorf("only %d paths were tried", n)
	}
}
