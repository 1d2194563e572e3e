package document

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"

	"heed/engine/suggest"
)

// A Node is one value in a rule file: an object, a list, or a scalar.
type Node struct {
	file    *File
	y       *yaml.Node
	located []spot // cached, since finding them takes as long as the text is
}

// A Pair is one entry of an object.
type Pair struct{ Key, Value *Node }

// YAML returns the library's node, for engine/layout only.
func (n *Node) YAML() *yaml.Node { return n.y }

func (n *Node) resolved() *yaml.Node {
	y := n.y
	for y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	return y
}

// Empty returns an object without entries at the node's place. It stands for a word that
// could have settings below it.
func (n *Node) Empty() *Node {
	return &Node{file: n.file, y: &yaml.Node{Kind: yaml.MappingNode, Line: n.y.Line, Column: n.y.Column}}
}

// IsObject reports whether the node is an object (a YAML mapping).
func (n *Node) IsObject() bool { return n.resolved().Kind == yaml.MappingNode }

// IsList reports whether the node is a list (a YAML sequence).
func (n *Node) IsList() bool { return n.resolved().Kind == yaml.SequenceNode }

// IsScalar reports whether the node is neither an object nor a list.
func (n *Node) IsScalar() bool { return n.resolved().Kind == yaml.ScalarNode }

// IsNull reports whether the node is null or was left empty.
func (n *Node) IsNull() bool { return n.IsScalar() && n.resolved().ShortTag() == "!!null" }

// IsText reports whether the node is a scalar that YAML takes for text.
func (n *Node) IsText() bool {
	tag := n.resolved().ShortTag()
	return n.IsScalar() && (tag == "!!str" || tag == "!!timestamp")
}

// Text returns a scalar's value as written, without quotes.
func (n *Node) Text() string { return n.resolved().Value }

// Tag returns a scalar's explicit tag, such as "!data.passed", if any: YAML takes a
// leading ! for a tag, and the value is then empty.
func (n *Node) Tag() string {
	if tag := n.resolved().Tag; strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") {
		return tag
	}
	return ""
}

// Written returns the rest of the line on which the node starts, as written.
func (n *Node) Written() string {
	y := n.resolved()
	line := []rune(n.file.Line(y.Line))
	return strings.TrimSpace(string(line[min(y.Column-1, len(line)):]))
}

// Comment returns the text after a # on the node's line. It may be the rest of an
// expression that YAML cut off.
func (n *Node) Comment() string { return n.resolved().LineComment }

// Scalar returns a scalar's value as YAML reads it: string, bool, int, float64 or nil, or
// json.Number for a whole number beyond int. Dates stay text.
func (n *Node) Scalar() any {
	y := n.resolved()
	switch y.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(y.Value, "true")
	case "!!int":
		if i, err := strconv.Atoi(y.Value); err == nil {
			return i
		}
		if i, err := strconv.ParseInt(y.Value, 0, 64); err == nil { // 0x1F, 1_000
			return int(i)
		}
		if json.Valid([]byte(y.Value)) {
			return json.Number(y.Value) // larger than an int
		}
	case "!!float":
		if f, err := strconv.ParseFloat(strings.ReplaceAll(y.Value, "_", ""), 64); err == nil && !math.IsInf(f, 0) &&
			!math.IsNaN(f) {
			return f
		}
	}
	return y.Value
}

// Value returns the node as encoding/json would decode it: nil, bool, int, float64,
// string, []any or map[string]any.
func (n *Node) Value() any { return n.convert((*Node).Scalar) }

// Exact is like Value, but keeps numbers as written: each that is also a number in JSON
// becomes a json.Number, however large or precise.
func (n *Node) Exact() any { return n.convert((*Node).exactScalar) }

func (n *Node) exactScalar() any {
	y := n.resolved()
	// Only without quotes and tags: YAML takes a number that no float64 holds for text.
	if y.Style == 0 && jsonNumber.MatchString(y.Value) {
		return json.Number(y.Value)
	}
	return n.Scalar()
}

// A Literal is an unquoted scalar that YAML does not take for text: its value as text,
// and its value as returned by Exact.
type Literal struct {
	Text  string
	Value any
}

// Literals is like Exact, but returns a Literal for each scalar that is neither text nor
// null. A comparison can then choose between the two values according to the other side.
func (n *Node) Literals() any {
	return n.convert(func(n *Node) any {
		if n.IsText() || n.IsNull() || n.resolved().Style&quotedStyles != 0 {
			return n.exactScalar()
		}
		return Literal{Text: n.Text(), Value: n.exactScalar()}
	})
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

func (n *Node) convert(scalar func(*Node) any) any {
	switch {
	case n.IsObject():
		object := map[string]any{}
		for _, pair := range n.Pairs() {
			object[pair.Key.Text()] = pair.Value.convert(scalar)
		}
		return object
	case n.IsList():
		list := []any{}
		for _, item := range n.Items() {
			list = append(list, item.convert(scalar))
		}
		return list
	default:
		return scalar(n)
	}
}

// Describe describes the node for messages.
func (n *Node) Describe() string {
	switch {
	case n.IsObject():
		return "an object"
	case n.IsList() && len(n.Items()) == 0:
		return "an empty list"
	case n.IsList():
		return "a list"
	case n.IsNull():
		return "empty"
	case n.IsText():
		return fmt.Sprintf("the text %q", n.Text())
	default:
		return n.Text()
	}
}

// Items returns a list's values.
func (n *Node) Items() []*Node {
	y := n.resolved()
	if y.Kind != yaml.SequenceNode {
		return nil
	}
	items := make([]*Node, len(y.Content))
	for i, child := range y.Content {
		items[i] = &Node{file: n.file, y: child}
	}
	return items
}

// Each returns a list's values, or the node itself if it is not a list, for keys where a
// single value may be written without a list.
func (n *Node) Each() []*Node {
	if n.IsList() {
		return n.Items()
	}
	return []*Node{n}
}

// Pairs returns an object's entries in order. Entries merged by << come last, and only
// for keys that the object does not have itself.
func (n *Node) Pairs() []Pair {
	y := n.resolved()
	if y.Kind != yaml.MappingNode {
		return nil
	}
	pairs := make([]Pair, 0, len(y.Content)/2)
	own := map[string]bool{}
	var merged []*Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := &Node{file: n.file, y: y.Content[i]}, &Node{file: n.file, y: y.Content[i+1]}
		if key.y.ShortTag() == "!!merge" {
			merged = append(merged, value.Each()...)
			continue
		}
		own[key.Text()] = true
		pairs = append(pairs, Pair{key, value})
	}
	for _, m := range merged {
		for _, pair := range m.Pairs() {
			if !own[pair.Key.Text()] {
				own[pair.Key.Text()] = true
				pairs = append(pairs, pair)
			}
		}
	}
	return pairs
}

// Get returns an object's value for a key, or nil.
func (n *Node) Get(key string) *Node {
	for _, pair := range n.Pairs() {
		if pair.Key.Text() == key {
			return pair.Value
		}
	}
	return nil
}

// Fields reads an object by key, and reports keys that were not taken.
type Fields struct {
	node   *Node
	what   string
	report *Report
	order  []Pair
	values map[string]*Node
	known  []string
	// Elsewhere maps keys that belong to another object, or do not exist, to hints.
	Elsewhere map[string]string
	// missing are the missing keys. They are reported once all keys were taken, since a
	// key may be present under another name.
	missing []missingKey
}

type missingKey struct{ key, hint string }

// Fields reads the node as an object. what names it in messages ("a rule", "the slack
// action coaching"). A node of another kind and duplicate keys are reported; the result
// can be used nevertheless.
func (n *Node) Fields(report *Report, what string) *Fields {
	f := &Fields{node: n, what: what, report: report, values: map[string]*Node{}}
	if n.IsNull() {
		return f
	}
	if !n.IsObject() {
		problem := report.Errorf(n.Place(), "wrong-type", "%s must be an object of keys and values, not %s", what,
			n.Describe())
		if key, _, ok := strings.Cut(what, " of "); ok {
			problem.Suggest("write %s: {name: value}", key)
		}
		return f
	}
	for _, pair := range n.Pairs() {
		if _, twice := f.values[pair.Key.Text()]; twice {
			report.Errorf(pair.Key.Place(), "duplicate-key", "the key %s is given twice in %s", pair.Key.Text(), what).
				Suggest("remove one of the two")
			continue
		}
		f.values[pair.Key.Text()] = pair.Value
		f.order = append(f.order, pair)
	}
	return f
}

// Node returns the object being read.
func (f *Fields) Node() *Node { return f.node }

// Report returns the report to which problems go.
func (f *Fields) Report() *Report { return f.report }

// What returns the name of the object in messages.
func (f *Fields) What() string { return f.what }

// Pairs returns the entries, without duplicate keys.
func (f *Fields) Pairs() []Pair { return f.order }

// Take returns the value of a key, or nil if it is absent, and marks the key as known.
func (f *Fields) Take(key string) *Node {
	if !slices.Contains(f.known, key) {
		f.known = append(f.known, key)
	}
	return f.values[key]
}

// Require is like Take, but reports an absent or empty value, with a hint on what to
// write.
func (f *Fields) Require(key, hint string) *Node {
	value := f.Take(key)
	if value == nil {
		f.missing = append(f.missing, missingKey{key, hint})
		return nil
	}
	if value.IsNull() && value.Tag() == "" {
		f.report.Errorf(value.Place(), "missing-key", "%s of %s is empty", key, f.what).Suggest("%s", hint)
		return nil
	}
	return value
}

// Text takes a scalar and returns it as text.
func (f *Fields) Text(key string) (string, bool) {
	value := f.Take(key)
	if value == nil {
		return "", false
	}
	if !value.IsScalar() || value.IsNull() {
		f.wrong(value, key, "a text")
		return "", false
	}
	return value.Text(), true
}

// Int takes a whole number from least to most.
func (f *Fields) Int(key string, least, most int) (int, bool) {
	value := f.Take(key)
	if value == nil {
		return 0, false
	}
	number, ok := value.Scalar().(int)
	if !ok || number < least || number > most {
		f.wrong(value, key, fmt.Sprintf("a whole number from %d to %d", least, most))
		return 0, false
	}
	return number, true
}

// inWords matches a duration in words, such as 90 minutes.
var inWords = regexp.MustCompile(`(?i)^\s*(\d+)\s*(seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?)\s*$`)

// Bool takes true or false.
func (f *Fields) Bool(key string) (value, ok bool) {
	node := f.Take(key)
	if node == nil {
		return false, false
	}
	if value, ok = node.Scalar().(bool); !ok {
		f.wrong(node, key, "true or false")
	}
	return value, ok
}

// Duration takes a positive duration such as 30s, 5m, 24h or 7d.
func (f *Fields) Duration(key string) (time.Duration, bool) {
	node := f.Take(key)
	if node == nil {
		return 0, false
	}
	d, err := model.ParseDuration(node.Text())
	if !node.IsScalar() || err != nil || d <= 0 {
		problem := f.wrong(node, key, "a duration such as 30s, 5m, 24h or 7d")
		if m := inWords.FindStringSubmatch(node.Text()); m != nil {
			problem.Suggest("write %s%s", m[1], strings.ToLower(m[2][:1]))
		}
		if _, isNumber := node.Scalar().(int); isNumber {
			problem.Suggest("write the unit: %ss, or %sm for minutes", node.Text(), node.Text())
		}
		return 0, false
	}
	return time.Duration(d), true
}

func (f *Fields) wrong(value *Node, key, want string) *Problem {
	return f.report.Errorf(value.Place(), "wrong-type", "%s of %s must be %s, not %s", key, f.what, want,
		value.Describe())
}

// Known returns the keys that were taken or asked for.
func (f *Fields) Known() []string { return slices.Clone(f.known) }

// Done reports the keys that were not taken, and those that are missing.
func (f *Fields) Done() {
	if f.report.Seen != nil {
		f.report.Seen(f)
	}
	meant := map[string]bool{}
	for _, pair := range f.order {
		key := pair.Key.Text()
		if key == "true" && slices.Contains(f.known, "on") && f.values["on"] == nil {
			meant["on"] = true
			f.report.Errorf(pair.Key.Place(), "unknown-key",
				"the key on has become true: a tool that reads YAML 1.1 has rewritten this file").
				Suggest("write on: instead of true:, or \"on\": if the tool is used again")
			continue
		}
		if !slices.Contains(f.known, key) {
			meant[suggest.Match(key, f.known)] = true
			problem := f.report.Errorf(pair.Key.Place(), "unknown-key", "%s has no key %s", f.what, key)
			problem.Suggest("%s", suggest.DidYouMean(key, f.known))
			if hint, ok := f.Elsewhere[key]; ok {
				problem.Suggest("%s", hint)
			}
		}
	}
	for _, m := range f.missing {
		if !meant[m.key] {
			f.report.Errorf(f.node.Place(), "missing-key", "%s has no %s", f.what, m.key).Suggest("%s", m.hint)
		}
	}
}
