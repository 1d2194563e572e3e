package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var (
	codeBlock  = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	codeSpan   = regexp.MustCompile("`[^`\n]*`")
	link       = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading    = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	linkedText = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// TestNoLinkInTheDocsIsDead follows each relative link of the documents to the
// file, and to the heading in it.
func TestNoLinkInTheDocsIsDead(t *testing.T) {
	root := filepath.Join("..", "..")
	docs := []string{filepath.Join(root, "README.md"), filepath.Join(root, "CHANGELOG.md")}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			docs = append(docs, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	for _, doc := range docs {
		prose := codeBlock.ReplaceAllString(read(t, doc), "")
		for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(prose, ""), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			links++
			if problem := deadLink(t, doc, m[1]); problem != "" {
				t.Errorf("%s: the link to %s is dead: %s", doc, m[1], problem)
			}
		}
	}
	if links < 50 {
		t.Errorf("found only %d links in %q", links, docs)
	}
}

// deadLink says why a link of a document leads nowhere, if it does not lead
// somewhere.
func deadLink(t *testing.T, doc, target string) string {
	path, fragment, hasFragment := strings.Cut(target, "#")
	file := doc
	if path != "" {
		file = filepath.Join(filepath.Dir(doc), filepath.FromSlash(path))
	}
	if _, err := os.Stat(file); err != nil {
		return "there is no such file"
	}
	if hasFragment && !anchors(read(t, file))[fragment] {
		return "there is no such heading"
	}
	return ""
}

// anchors are the names by which GitHub knows a document's headings.
func anchors(text string) map[string]bool {
	names := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
		words := strings.ToLower(linkedText.ReplaceAllString(m[1], "$1"))
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return r
			default:
				return -1
			}
		}, words)
		unique := name
		for n := 1; names[unique]; n++ {
			unique = name + "-" + strconv.Itoa(n)
		}
		names[unique] = true
	}
	return names
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAnchorsAreThoseOfGitHub(t *testing.T) {
	got := anchors("# Messages in Slack\n\n```sh\n# no heading\n```\n\n## `heed.*` & [a link](x.md), too!\n\n## Twice\n## Twice\n")
	for _, want := range []string{"messages-in-slack", "heed--a-link-too", "twice", "twice-1"} {
		if !got[want] {
			t.Errorf("there is no %s in %v", want, got)
		}
	}
	if len(got) != 4 {
		t.Errorf("there are %v", got)
	}
}
