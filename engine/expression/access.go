package expression

import (
	"github.com/expr-lang/expr/ast"

	"heed/engine/event"
	"heed/engine/expression/syntax"
)

func (c *compiler) member(n *ast.MemberNode) node {
	path := syntax.Text(n)
	none := missingf("%s is missing", path)
	if field := syntax.Field(n); field != "" { // the most common case by far, so it has a short path
		return func(f *frame) any {
			if value := f.env.data[field]; value != nil {
				return value
			}
			return none
		}
	}
	base, property := c.compile(n.Node), c.compile(n.Property)
	baseText := syntax.Text(n.Node)
	return func(f *frame) any {
		from, key := base(f), property(f)
		if u, ok := from.(*Unknown); ok {
			return u
		}
		if u, ok := key.(*Unknown); ok {
			return u
		}
		f.spend(lengthOf(from))
		value := fetch(from, key, baseText)
		if value == nil {
			return none
		}
		return value
	}
}

// fetch returns an element of an object, a list or a text, or nil if it has no such
// element.
func fetch(from, key any, text string) any {
	switch from := from.(type) {
	case Record:
		if name, ok := key.(string); ok {
			return from.Cell(name)
		}
	case map[string]any:
		if name, ok := key.(string); ok {
			return sound(from[name], text, key)
		}
	case []any:
		if i, ok := index(key, len(from)); ok {
			return sound(from[i], text, key)
		}
		if _, ok := key.(int); ok {
			return nil
		}
	case string:
		runes := []rune(from)
		if i, ok := index(key, len(runes)); ok {
			return string(runes[i])
		}
	}
	return badf("%s is %s and has no %s", text, described{from}, keyText(key))
}

// keyText describes a key in a reason, briefly.
func keyText(key any) string {
	switch key.(type) {
	case string, int, float64, bool:
		return clip(Text(key))
	default:
		return describe(key)
	}
}

// sound returns the value unless it is a number that cannot be calculated with.
func sound(value any, text string, key any) any {
	if number, ok := value.(event.BadNumber); ok {
		return badf("%s.%s is %s", text, keyText(key), described{number})
	}
	return value
}

// lengthOf returns the cost of splitting a text into characters. Other values are free.
func lengthOf(value any) int {
	if text, ok := value.(string); ok {
		return len(text)
	}
	return 0
}

func index(key any, length int) (int, bool) {
	i, ok := key.(int)
	if i < 0 {
		i += length
	}
	return i, ok && i >= 0 && i < length
}

func (c *compiler) slice(n *ast.SliceNode) node {
	base := c.compile(n.Node)
	from, to := constant(0), node(nil)
	if n.From != nil {
		from = c.compile(n.From)
	}
	if n.To != nil {
		to = c.compile(n.To)
	}
	text := syntax.Text(n.Node)
	return func(f *frame) any {
		value, start := base(f), from(f)
		if u, ok := firstUnknown(value, start); ok {
			return u
		}
		f.spend(4 * lengthOf(value))
		length := sizeOf(value)
		end := any(length)
		if to != nil {
			if end = to(f); isUnknown(end) {
				return end
			}
		}
		low, ok1 := start.(int)
		high, ok2 := end.(int)
		if length < 0 || !ok1 || !ok2 {
			return badf("%s is %s and cannot be cut", text, described{value})
		}
		low, high = clampIndex(low, length), clampIndex(high, length)
		if text, ok := value.(string); ok {
			return string([]rune(text)[low:max(low, high)])
		}
		return value.([]any)[low:max(low, high)]
	}
}

func clampIndex(i, length int) int {
	if i < 0 {
		i += length
	}
	return min(max(i, 0), length)
}

// sizeOf returns the length of a list or text, or -1 for anything else.
func sizeOf(value any) int {
	switch v := value.(type) {
	case string:
		return len([]rune(v))
	case []any:
		return len(v)
	default:
		return -1
	}
}
