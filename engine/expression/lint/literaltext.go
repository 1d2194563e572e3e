package lint

import (
	"regexp"
	"slices"
	"strings"

	"heed/engine/expression"
)

var (
	hole = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	tag  = regexp.MustCompile(`\{%.*?%\}|<%.*?%>`)
)

// looksLikeHole are ways to write a hole in other template languages; the last
// group is a name, the one before it what is marked.
var looksLikeHole = []struct {
	pattern *regexp.Regexp
	message string
	warning bool
}{
	{
		regexp.MustCompile(`(?:^|[^{])(\$?\{ *((?:data\.)?\w+) *\})(?:$|[^}])`),
		"a hole has two braces on each side", false,
	},
	{regexp.MustCompile(`/(:(\w+))`), "this is shown as it is", true},
	{regexp.MustCompile(`(?:^|[^\w.{$"'])(data\.(\w+))`), "this is shown as it is, not as its value", true},
}

// literalText finds what other template languages take for a hole and this one
// for text: it would show as it is.
func literalText(t *expression.TemplateTree) []expression.Problem {
	shown := blank(hole, t.Text) // what is shown as it is
	if !strings.ContainsAny(shown, "{<:") && !strings.Contains(shown, "data.") {
		return nil
	}
	var problems []expression.Problem
	mark := func(from, to int, p expression.Problem) {
		p.From = len([]rune(t.Text[:from]))
		p.To = p.From + len([]rune(t.Text[from:to]))
		problems = append(problems, p)
	}
	if m := tag.FindStringIndex(shown); m != nil {
		mark(m[0], m[1], expression.Problem{
			Code: "foreign-template", Message: "a tag of another template language", Warning: t.Scope.Recorded(),
			Hint: `choose a text with {{ data.passed ? "passed" : "failed" }}, or write a rule for each case`,
		})
	}
	shown = blank(tag, shown)
	for _, foreign := range looksLikeHole {
		for _, m := range foreign.pattern.FindAllStringSubmatchIndex(shown, -1) {
			name := strings.TrimPrefix(shown[m[4]:m[5]], "data.")
			field := strings.TrimPrefix(t.Scope.Qualify(name), "data.")
			known := slices.Contains(t.Scope.FieldNames(), field)
			if known || !foreign.warning && strings.HasPrefix(shown[m[4]:m[5]], "data.") {
				mark(m[2], m[3], expression.Problem{
					Code: "single-brace", Warning: foreign.warning,
					Message: foreign.message, Hint: "write {{ data." + field + " }}",
				})
			}
		}
		shown = blank(foreign.pattern, shown)
	}
	return problems
}

// blank writes over what a pattern finds, so that places stay.
func blank(pattern *regexp.Regexp, text string) string {
	return pattern.ReplaceAllStringFunc(text, func(found string) string { return strings.Repeat("\x00", len(found)) })
}
