package console

import (
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// diffLine is a line of two texts: in both, or in one only.
type diffLine struct{ Sign, Text string }

// differences returns the lines that differ between two texts, with some context.
func differences(before, after string) (lines []diffLine) {
	text := func(s string) []byte { return []byte(strings.TrimSuffix(s, "\n") + "\n") }
	unified := string(diff.Diff("before", text(before), "after", text(after)))
	_, hunks, found := strings.Cut(unified, "\n@@")
	if !found {
		return nil
	}
	for i, line := range slices.Collect(strings.Lines("@@" + hunks)) {
		switch line = strings.TrimRight(line, "\n"); {
		case !strings.HasPrefix(line, "@@"):
			lines = append(lines, diffLine{line[:1], line[1:]})
		case i > 0:
			lines = append(lines, diffLine{" ", "…"})
		}
	}
	return lines
}
