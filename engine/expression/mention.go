package expression

import (
	"iter"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// A mention, {{ mention(data.email) }}, names a person by e-mail address. It is not a
// function, since it has no value: it is a special kind of hole, allowed only in a text
// that can mention people. So no value of an event can ever become a mention.

// checkMention checks the address of a hole that is a mention. isMention reports whether
// it is one.
func (s *Scope) checkMention(text string) (address HoleTree, problems []Problem, isMention bool) {
	call := s.mentionCall(text)
	if call == nil {
		return HoleTree{}, nil, false
	}
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	inside, from := text[open+1:end], len([]rune(text[:open]))+1
	wrong := Problem{Code: "type-mismatch", Hint: "write {{ mention(data.email) }}"}
	if len(call.Arguments) != 1 {
		wrong.From, wrong.To, wrong.Message = from-1, from, "mention takes one e-mail address"
		return HoleTree{}, []Problem{wrong}, true
	}
	tree, problems := s.Check(inside)
	if tree != nil && tree.kind != "" && tree.kind != "a text" {
		wrong.To, wrong.Message = len([]rune(inside)), "mention takes an e-mail address, which is a text, not "+tree.kind
		problems = []Problem{wrong}
	}
	return HoleTree{Tree: tree, At: from, Mention: true}, shift(problems, from), true
}

// mentionCall returns the call of mention that a text consists of, or nil.
func (s *Scope) mentionCall(text string) *ast.CallNode {
	if !strings.HasPrefix(strings.TrimSpace(text), "mention") || len(text) > maxBytes {
		return nil
	}
	tree, err := parser.ParseWithConfig(text, s.config)
	if err != nil {
		return nil
	}
	call, isCall := tree.Node.(*ast.CallNode)
	if !isCall {
		return nil
	}
	if name, isName := call.Callee.(*ast.IdentifierNode); !isName || name.Value != "mention" {
		return nil
	}
	return call
}

// A Hole is a hole of a template, for callers that choose how its value is escaped.
type Hole struct {
	// Before and After are the literal text before and after the hole, without other
	// holes.
	Before, After string
	// From and To are its position in the text, including its braces, in characters.
	From, To int
	// Mention reports whether the hole mentions somebody; its value is then an address.
	Mention bool
}

// Holes yields the template's holes in order.
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

// EscapeEach gives each hole its own escape function, in order. Text then uses that
// function instead of its argument.
func (t *Template) EscapeEach(choose func(Hole) func(string) string) {
	holes := slices.Collect(t.Holes())
	for i := range t.parts {
		if p := &t.parts[i]; p.hole != nil {
			p.escape, holes = choose(holes[0]), holes[1:]
		}
	}
}
