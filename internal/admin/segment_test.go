package admin_test

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"heed/internal/admin"
)

// A cleaned path still leads to the id, whatever it is.
func TestSegment_survivesCleaning(t *testing.T) {
	letters := rapid.StringOfN(rapid.SampledFrom([]rune(`.~/%2Ee;a `)), 1, 5, -1)
	rapid.Check(t, func(t *rapid.T) {
		id := letters.Draw(t, "id")
		segment := admin.Segment(id)
		if cleaned := path.Clean("/events/" + segment); cleaned != "/events/"+segment {
			t.Fatalf("%q is cleaned to %q", segment, cleaned)
		}
		// A browser takes %2e for a dot too.
		if dots := strings.ReplaceAll(segment, "%2E", "."); dots == "." || dots == ".." {
			t.Fatalf("%q is taken for dots", segment)
		}
		part, err := url.PathUnescape(segment)
		if err != nil || admin.OfSegment(part) != id {
			t.Fatalf("%q comes back as %q from %q, %v", id, admin.OfSegment(part), segment, err)
		}
	})
}

func TestSegment_marksDotsAlone(t *testing.T) {
	for id, want := range map[string]string{
		".": "~.", "..": "~..", "~.": "~~.", "~..": "~~..", "...": "...", "~": "~", "~a": "~a", "a/b": "a%2Fb", "e1": "e1",
	} {
		if got := admin.Segment(id); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
}
