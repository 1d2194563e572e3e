package expression

import (
	"errors"
	"strings"
)

// NotAvailable is what a text shows for a missing value.
const NotAvailable = "n/a"

// Template is a string with {{ expressions }} in it, compiled. It is safe for
// concurrent use.
type Template struct {
	parts []part
}

// part is a literal or, with a hole, an expression.
type part struct {
	literal  string
	hole     *Value
	from, to int // where the hole stands, its braces included, in characters
	mention  bool
	escape   func(string) string // the hole's own; see EscapeEach
}

// Template compiles a string with holes. {{{{ writes a literal {{.
func (s *Scope) Template(text string) (*Template, []Problem) { return s.template(text, false) }

func (s *Scope) template(text string, mentions bool) (*Template, []Problem) {
	parts, faults := splitTemplate([]rune(text))
	faults = append(faults, s.foreignMarks(text)...)
	t := &Template{}
	for _, p := range parts {
		if !p.isHole {
			t.parts = append(t.parts, part{literal: p.text})
			continue
		}
		compiled := part{from: p.at - 2, to: p.at + len([]rune(p.text)) + 2}
		var holeFaults []Problem
		if mentions {
			compiled.hole, holeFaults, compiled.mention = s.mention(p.text)
		}
		if !compiled.mention {
			compiled.hole, holeFaults = s.hole(p.text)
		}
		for _, f := range holeFaults {
			faults = append(faults, f.shift(p.at))
		}
		t.parts = append(t.parts, compiled)
	}
	return t, faults
}

type templatePart struct {
	text   string
	isHole bool
	at     int // where the part's text starts, in characters
}

// splitTemplate finds the holes. A }} inside a quoted text or inside an
// object's braces does not end one.
func splitTemplate(text []rune) ([]templatePart, []Problem) {
	var parts []templatePart
	var faults []Problem
	var literal strings.Builder
	flush := func(at int) {
		if literal.Len() > 0 {
			parts = append(parts, templatePart{literal.String(), false, at})
			literal.Reset()
		}
	}
	for i := 0; i < len(text); {
		switch {
		case startsWith(text[i:], "{{{{"):
			literal.WriteString("{{")
			i += 4
		case startsWith(text[i:], "{{"):
			flush(i)
			end := holeEnd(text, i+2)
			if end < 0 {
				faults = append(faults, Problem{From: i, To: i + 2, Code: "syntax", Message: "{{ is not closed", Hint: "close it with }}, or write {{{{ for a literal {{"})
				return parts, faults
			}
			parts = append(parts, templatePart{string(text[i+2 : end]), true, i + 2})
			i = end + 2
		default:
			literal.WriteRune(text[i])
			i++
		}
	}
	flush(len(text))
	return parts, faults
}

func startsWith(text []rune, prefix string) bool {
	return len(text) >= len(prefix) && string(text[:len(prefix)]) == prefix
}

// holeEnd is where the }} stands that closes a hole, -1 if nothing does.
func holeEnd(text []rune, from int) int {
	var quote rune
	depth := 0
	for i := from; i < len(text); i++ {
		r := text[i]
		switch {
		case quote != 0 && r == '\\' && quote != '`':
			i++
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'' || r == '`':
			quote = r
		case r == '{':
			depth++
		case r == '}' && depth > 0:
			depth--
		case r == '}' && i+1 < len(text) && text[i+1] == '}':
			return i
		}
	}
	return -1
}

// IsLiteral says whether the template has no holes, and gives its text.
func (t *Template) IsLiteral() (string, bool) {
	for _, p := range t.parts {
		if p.hole != nil {
			return "", false
		}
	}
	return t.Literals(), true
}

// Literals is the template's text without its holes.
func (t *Template) Literals() string {
	var text strings.Builder
	for _, p := range t.parts {
		text.WriteString(p.literal)
	}
	return text.String()
}

// Plain is the escape of a place where nothing needs escaping.
func Plain(s string) string { return s }

// Text renders the template, each hole's text escaped for where it stands. A
// missing value shows as NotAvailable. What the rule has no work left for is
// empty, and Env.Failure says so.
func (t *Template) Text(env *Env, escape func(string) string) string {
	var text strings.Builder
	for _, p := range t.parts {
		if p.hole == nil {
			text.WriteString(p.literal)
			continue
		}
		shown, unknown := p.hole.shown(env)
		if env.failure != nil {
			return "" // whoever asked for the text asks the environment why
		}
		if unknown != nil {
			shown = NotAvailable
		}
		escaped := p.escaped(shown, escape)
		env.charge(costOfText * len(escaped))
		text.WriteString(escaped)
	}
	return text.String()
}

// escaped is a value as the hole's own escape writes it, or else the given one.
func (p *part) escaped(value string, escape func(string) string) string {
	if p.escape != nil {
		escape = p.escape
	}
	return escape(value)
}

// Strict renders the template where a missing value would do harm, such as in
// a path or a recipient. It fails with the reason if a value is missing, or
// with the escape's reason if a value cannot stand there.
func (t *Template) Strict(env *Env, escape func(string) (string, error)) (string, error) {
	var text strings.Builder
	for _, p := range t.parts {
		if p.hole == nil {
			text.WriteString(p.literal)
			continue
		}
		shown, unknown := p.hole.shown(env)
		if unknown != nil {
			return "", errors.New(unknown.Reason())
		}
		escaped, err := escape(shown)
		if err != nil {
			return "", errors.New(p.hole.Text + " " + err.Error())
		}
		if env.charge(costOfText * len(escaped)); env.failure != nil {
			return "", env.failure
		}
		text.WriteString(escaped)
	}
	return text.String(), nil
}

// JSON is the template's value inside JSON: a template that is one hole keeps
// the type of its value, and is nil when that is missing; any other is text.
func (t *Template) JSON(env *Env) any {
	if len(t.parts) == 1 && t.parts[0].hole != nil {
		value, unknown := t.parts[0].hole.sent(env)
		if unknown != nil {
			return nil
		}
		size := weight(value, maxRendered)
		if env.charge(costOfObject * size); size > maxRendered || env.failure != nil {
			return nil
		}
		return JSON(value)
	}
	return t.Text(env, Plain)
}
