package rulefile_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/engine/rulefile"
)

func format(t *testing.T, name, text string) string {
	t.Helper()
	out, problems, err := rulefile.Format(rulefile.File{Name: name, Text: []byte(text)})
	if err != nil || len(problems) > 0 {
		t.Fatalf("%v %v in\n%s", err, problems, text)
	}
	return string(out)
}

func TestTheExampleIsInTheLayout(t *testing.T) {
	text, err := os.ReadFile("../../rules.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), format(t, "rules.example.yaml", string(text))); diff != "" {
		t.Error(diff)
	}
}

func TestTheExamplesInTheDocsCanBeLaidOut(t *testing.T) {
	block := regexp.MustCompile("(?ms)^```yaml[^\n]*\n(.*?)^```$")
	for doc, least := range map[string]int{"README.md": 2, "docs/rules.md": 3} {
		text, err := os.ReadFile(filepath.Join("../..", doc))
		if err != nil {
			t.Fatal(err)
		}
		blocks := block.FindAllSubmatch(text, -1)
		if len(blocks) < least {
			t.Errorf("%s has %d blocks", doc, len(blocks))
		}
		for _, b := range blocks {
			format(t, doc, string(b[1]))
		}
	}
}
