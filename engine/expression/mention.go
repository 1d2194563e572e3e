package expression

import (
	"iter"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// A mention, {{ mention(data.email) }}, names a person by an e-mail address. It
// is no function, since it has no value: it is a hole of another kind, which
// only a text that can mention people has. So no value can ever become one.

// MentionTemplate is Template for a text in which people can be mentioned.
func (s *Scope) MentionTemplate(text string) (*Template, []Problem) { return s.template(text, true) }

// mention compiles the address of a hole that is a mention; ok says whether it
// is one.
func (s *Scope) mention(text string) (address *Value, faults []Problem, ok bool) {
	call := mentionCall(text, s)
	if call == nil {
		return nil, nil, false
	}
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	from := len([]rune(text[:open])) + 1
	if len(call.Arguments) != 1 {
		return nil, []Problem{{From: from - 1, To: from, Code: "type-mismatch", Message: "mention takes one e-mail address", Hint: howToMention}}, true
	}
	inside := text[open+1 : end]
	if _, result, faults := s.read(inside); len(faults) > 0 {
		for i, f := range faults {
			faults[i] = f.shift(from)
		}
		return nil, faults, true
	} else if result != nil && result.Kind() != reflect.String && result.Kind() != reflect.Interface {
		return nil, []Problem{{From: from, To: from + len([]rune(inside)), Code: "type-mismatch", Message: "mention takes an e-mail address, which is a text, not " + word(result.String()), Hint: howToMention}}, true
	}
	address, faults = s.Value(inside)
	if f, wrong := s.warnOfAddress(inside); wrong {
		faults = append(faults, f)
	}
	for i, f := range faults {
		faults[i] = f.shift(from)
	}
	return address, faults, true
}

const howToMention = "write {{ mention(data.email) }}"

// mentionCall is the call that a mention is; nil if the text is anything else.
func mentionCall(text string, s *Scope) *ast.CallNode {
	if !strings.HasPrefix(strings.TrimSpace(text), "mention") || len(text) > MaxBytes {
		return nil
	}
	tree, err := parser.ParseWithConfig(text, s.config)
	if err != nil {
		return nil
	}
	call, _ := tree.Node.(*ast.CallNode)
	if call == nil {
		return nil
	}
	if name, isName := call.Callee.(*ast.IdentifierNode); !isName || name.Value != "mention" {
		return nil
	}
	return call
}

// Hole is a hole of a template, for whoever chooses how its value is escaped.
type Hole struct {
	// Before and After are the literal text on its two sides, other holes left
	// out.
	Before, After string
	// From and To are where it stands in the text, its braces included, in
	// characters.
	From, To int
	// Mention says that the hole mentions somebody: its value is an address.
	Mention bool
}

// Holes are the template's holes in their order.
func (t *Template) Holes() iter.Seq[Hole] {
	return func(yield func(Hole) bool) {
		all, before := t.Literals(), 0
		for _, p := range t.parts {
			if p.hole == nil {
				before += len(p.literal)
			} else if !yield(Hole{Before: all[:before], After: all[before:], From: p.from, To: p.to, Mention: p.mention}) {
				return
			}
		}
	}
}

// EscapeEach gives each hole an escape of its own, in their order. Text then
// uses that instead of the one that it is given.
func (t *Template) EscapeEach(choose func(Hole) func(string) string) {
	holes := slices.Collect(t.Holes())
	for i := range t.parts {
		if p := &t.parts[i]; p.hole != nil {
			p.escape, holes = choose(holes[0]), holes[1:]
		}
	}
}
