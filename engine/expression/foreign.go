package expression

import (
	"regexp"
	"slices"
	"strings"

	"heed/engine/event"
)

// hole compiles what stands between {{ and }}. What people write who come from
// another template language has a fault of its own.
func (s *Scope) hole(text string) (*Value, []Problem) {
	value, faults := s.Value(text)
	if value != nil {
		return value, faults // warnings
	}
	trimmed := strings.TrimSpace(text)
	start := len([]rune(text[:strings.Index(text, trimmed)]))
	whole := Problem{From: start, To: start + len([]rune(trimmed)), Code: "foreign-template"}
	switch m := foreignHole.FindStringSubmatch(trimmed); {
	case trimmed == "":
		faults[0].Hint = "write what is to be shown, such as {{ data.userId }}"
	case blockHole.MatchString(trimmed):
		whole.Message = "there are no blocks in a template here"
		whole.Hint = `choose a text with {{ data.passed ? "passed" : "failed" }}, or write a rule for each case`
		return nil, []Problem{whole}
	case strings.HasPrefix(trimmed, "{"):
		whole.Message, whole.Hint = "a hole has two braces on each side, not three", "write {{ "+s.field(strings.Trim(trimmed, "{} "))+" }}: values are escaped for where they stand"
		return nil, []Problem{whole}
	case strings.HasPrefix(trimmed, "."):
		whole.Message, whole.Hint = "a hole starts with a dot, as in Go templates", "write {{ "+s.field(trimmed[1:])+" }}"
		return nil, []Problem{whole}
	case m != nil:
		whole.Message, whole.Hint = "filters are functions here", "write {{ "+filtered(s.field(m[1]), m[2], m[3])+" }}"
		return nil, []Problem{whole}
	}
	return nil, faults
}

var (
	// foreignHole is value | filter, or value | filter(argument), as in Jinja,
	// Liquid and their like.
	foreignHole = regexp.MustCompile(`^([\w.]+)\s*\|\s*(\w+)\s*(?:[(:]\s*(.*?)\s*\)?)?$`)
	blockHole   = regexp.MustCompile(`^(?:[#/^>!&%-]|(?:if|else|end|endif|range|for|with|each|unless)\b)`)
)

// filtered is a filter as a function.
func filtered(value, filter, argument string) string {
	switch strings.ToLower(filter) {
	case "default", "d":
		if argument == "" {
			argument = `"n/a"`
		}
		return value + " ?? " + argument
	case "upcase", "uppercase":
		filter = "upper"
	case "downcase", "lowercase":
		filter = "lower"
	case "date", "strftime":
		return "format(" + value + `, "2 Jan 2006")`
	case "tojson", "json":
		filter = "toJSON"
	case "length", "size":
		filter = "len"
	case "strip":
		filter = "trim"
	}
	if argument != "" {
		return filter + "(" + value + ", " + argument + ")"
	}
	return filter + "(" + value + ")"
}

// field is a name as it is written here: a field's name alone is meant as
// data.field, whatever its capitals.
func (s *Scope) field(name string) string {
	last := name[strings.LastIndexByte(name, '.')+1:]
	i := slices.IndexFunc(s.fields, func(f event.Field) bool { return strings.EqualFold(f.Name, last) })
	if i < 0 {
		return name
	}
	return "data." + s.fields[i].Name
}

var (
	singleBrace = regexp.MustCompile(`(?:^|[^{])(\$?\{ *((?:data\.)?\w+) *\})(?:$|[^}])`)
	colonName   = regexp.MustCompile(`/(:(\w+))`)
	nakedField  = regexp.MustCompile(`(?:^|[^\w.{$"'])(data\.(\w+))`)
	tagMark     = regexp.MustCompile(`\{%.*?%\}|<%.*?%>`)
	anyHole     = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
)

// foreignMarks finds what other template languages take for a hole and this one
// for text: it would show as it is.
func (s *Scope) foreignMarks(text string) []Problem {
	// Holes are blanked, so that only what is shown as it stands is looked at.
	shown := anyHole.ReplaceAllStringFunc(text, func(hole string) string { return strings.Repeat("\x00", len(hole)) })
	var faults []Problem
	mark := func(from, to int, f Problem) {
		f.From = len([]rune(text[:from]))
		f.To = f.From + len([]rune(text[from:to]))
		if !slices.ContainsFunc(faults, func(have Problem) bool { return have.From < f.To && f.From < have.To }) {
			faults = append(faults, f)
		}
	}
	for _, m := range singleBrace.FindAllStringSubmatchIndex(shown, -1) {
		if name := text[m[4]:m[5]]; strings.HasPrefix(name, "data.") || s.field(name) != name {
			mark(m[2], m[3], Problem{Code: "single-brace", Message: "a hole has two braces on each side", Hint: "write {{ " + s.field(name) + " }}"})
		}
	}
	for _, m := range colonName.FindAllStringSubmatchIndex(shown, -1) {
		if name := text[m[4]:m[5]]; s.field(name) != name {
			mark(m[2], m[3], Problem{Code: "single-brace", Message: "this is shown as it stands", Hint: "write {{ " + s.field(name) + " }}", Warning: true})
		}
	}
	if strings.Contains(shown, "{{") {
		return faults // a hole that is not closed is another matter
	}
	s.markTags(shown, mark)
	for _, m := range nakedField.FindAllStringSubmatchIndex(shown, -1) {
		if slices.ContainsFunc(s.fields, func(f event.Field) bool { return f.Name == text[m[4]:m[5]] }) {
			mark(m[2], m[3], Problem{Code: "single-brace", Message: "this is shown as it stands, not as its value", Hint: "write {{ " + text[m[2]:m[3]] + " }}", Warning: true})
		}
	}
	return slices.DeleteFunc(faults, func(f Problem) bool { return f.Code == "" })
}

// markTags marks the tags of other template languages. The first is a fault; what
// closes it belongs to it.
func (s *Scope) markTags(shown string, mark func(from, to int, f Problem)) {
	for i, m := range tagMark.FindAllStringIndex(shown, -1) {
		var f Problem
		if i == 0 {
			f = Problem{
				Code: "foreign-template", Message: "a tag of another template language",
				Hint: `choose a text with {{ data.passed ? "passed" : "failed" }}, or write a rule for each case`, Warning: s.recorded,
			}
		}
		mark(m[0], m[1], f)
	}
}
