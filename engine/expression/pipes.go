package expression

import (
	"regexp"
	"slices"
	"strings"
)

// pipe is a value and, behind a |, a function without brackets, as in other
// template languages.
var pipe = regexp.MustCompile(`([\w.]+)\s*\|\s*(\w+)`)

// findPipes finds functions behind a | that have no brackets.
func findPipes(m *mended) []Problem {
	var faults []Problem
	for _, at := range pipe.FindAllStringSubmatchIndex(m.code, -1) {
		value, name := m.code[at[2]:at[3]], m.code[at[4]:at[5]]
		if strings.HasPrefix(strings.TrimLeft(m.code[at[5]:], " "), "(") {
			continue // it has them
		}
		written := filtered(value, name, "")
		function, _, called := strings.Cut(written, "(")
		if called && !slices.Contains(functionNames, function) {
			continue
		}
		from, start := len([]rune(m.code[:at[4]])), len([]rune(m.code[:at[0]]))
		faults = append(faults, Problem{
			From: from, To: from + len([]rune(name)), Code: "syntax",
			Message: "a function behind | has no brackets", Hint: "write " + written,
		})
		m.replace(Problem{From: start, To: from + len([]rune(name))}, "("+written+")")
	}
	return faults
}
