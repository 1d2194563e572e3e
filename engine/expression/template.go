package expression

import (
	"errors"
	"slices"
	"strings"
)

// notAvailable is shown in a text for a missing value.
const notAvailable = "n/a"

// A Template is a compiled string with {{ expressions }} in it. It is safe for concurrent
// use.
type Template struct {
	parts []part
}

// A part is a literal or a hole with an expression.
type part struct {
	literal  string
	hole     *Value
	from, to int // position of the hole with its braces, in characters
	mention  bool
	escape   func(string) string // the hole's own escape; see EscapeEach
}

// A TemplateTree is a template without errors, in which every hole was checked.
type TemplateTree struct {
	// Text is the template as written.
	Text  string
	Holes []HoleTree
	Scope *Scope
	parts []templatePart
}

// A HoleTree is the expression in a hole.
type HoleTree struct {
	*Tree
	// At is where its text starts in the template, in characters.
	At int
	// Mention reports whether the hole mentions the person with this address.
	Mention bool
}

// CheckTemplate checks a string with holes. {{{{ stands for a literal {{. The tree is nil
// if there are errors.
func (s *Scope) CheckTemplate(text string) (*TemplateTree, []Problem) {
	return s.checkTemplate(text, false)
}

// CheckMentionTemplate is like CheckTemplate, for a text in which people can be
// mentioned.
func (s *Scope) CheckMentionTemplate(text string) (*TemplateTree, []Problem) {
	return s.checkTemplate(text, true)
}

func (s *Scope) checkTemplate(text string, mentions bool) (*TemplateTree, []Problem) {
	parts, problems := splitTemplate([]rune(text))
	t := &TemplateTree{Text: text, Scope: s, parts: parts}
	for _, p := range parts {
		if !p.isHole {
			continue
		}
		hole, found := s.checkHole(p.text, mentions)
		problems = append(problems, shift(found, p.at)...)
		hole.At += p.at
		t.Holes = append(t.Holes, hole)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return t, nil
}

func (s *Scope) checkHole(text string, mentions bool) (HoleTree, []Problem) {
	if mentions {
		if hole, problems, isMention := s.checkMention(text); isMention {
			return hole, problems
		}
	}
	tree, problems := s.Check(text)
	if len(problems) > 0 {
		problems = s.explainHole(text, problems)
	}
	return HoleTree{Tree: tree}, problems
}

// IsHole reports whether the template is a single hole, apart from space.
func (t *TemplateTree) IsHole() bool {
	around := func(p templatePart) bool { return p.isHole || strings.TrimSpace(p.text) == "" }
	return len(t.Holes) == 1 && !slices.ContainsFunc(t.parts, func(p templatePart) bool { return !around(p) })
}

// Template compiles the template.
func (t *TemplateTree) Template() *Template {
	compiled, holes := &Template{}, t.Holes
	for _, p := range t.parts {
		if !p.isHole {
			compiled.parts = append(compiled.parts, part{literal: p.text})
			continue
		}
		compiled.parts = append(compiled.parts, part{
			hole: holes[0].Value(), mention: holes[0].Mention, from: p.at - 2, to: p.at + len([]rune(p.text)) + 2,
		})
		holes = holes[1:]
	}
	return compiled
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
				return parts, []Problem{{
					From: i, To: i + 2, Code: "syntax", Message: "{{ is not closed",
					Hint: "close it with }}, or write {{{{ for a literal {{",
				}}
			}
			parts = append(parts, templatePart{string(text[i+2 : end]), true, i + 2})
			i = end + 2
		default:
			literal.WriteRune(text[i])
			i++
		}
	}
	flush(len(text))
	return parts, nil
}

func startsWith(text []rune, prefix string) bool {
	return len(text) >= len(prefix) && string(text[:len(prefix)]) == prefix
}

// holeEnd returns the index of the }} that closes a hole, or -1.
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

// IsLiteral returns the template's text and reports whether it has no holes.
func (t *Template) IsLiteral() (string, bool) {
	for _, p := range t.parts {
		if p.hole != nil {
			return "", false
		}
	}
	return t.Literals(), true
}

// Literals returns the template's text without its holes.
func (t *Template) Literals() string {
	var text strings.Builder
	for _, p := range t.parts {
		text.WriteString(p.literal)
	}
	return text.String()
}

// Plain is the escape function for a context in which nothing needs escaping.
func Plain(s string) string { return s }

// Text renders the template, with the text of each hole escaped for its context. A
// missing value is shown as notAvailable. Once the rule's budget is spent, holes are
// empty and Env.Failure returns an error.
func (t *Template) Text(env *Env, escape func(string) string) string {
	var text strings.Builder
	for _, p := range t.parts {
		if p.hole == nil {
			text.WriteString(p.literal)
			continue
		}
		shown, unknown := p.hole.Show(env)
		if env.failure != nil {
			return "" // the caller asks Env.Failure
		}
		if unknown != nil {
			shown = notAvailable
		}
		escaped := p.escaped(shown, escape)
		env.charge(costOfText * len(escaped))
		text.WriteString(escaped)
	}
	return text.String()
}

// escaped escapes a value with the hole's own function, or else with escape.
func (p *part) escaped(value string, escape func(string) string) string {
	if p.escape != nil {
		escape = p.escape
	}
	return escape(value)
}

// Strict renders a template in which a missing value would do harm, such as a path or a
// recipient. It returns an error with the reason if a value is missing, or the error of
// escape if a value is not allowed.
func (t *Template) Strict(env *Env, escape func(string) (string, error)) (string, error) {
	var text strings.Builder
	for _, p := range t.parts {
		if p.hole == nil {
			text.WriteString(p.literal)
			continue
		}
		shown, unknown := p.hole.Show(env)
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

// JSON returns the template's value inside JSON. A template that is one hole keeps the
// type of its value, and is nil if that is missing; any other is text.
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
