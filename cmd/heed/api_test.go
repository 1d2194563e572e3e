package main

import (
	"os"
	"regexp"
	"slices"
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
