package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"heed/engine/document"
)

// Object is an object to be written, whose members keep their order.
type Object []Member

// Member is one key of an Object with its value.
type Member struct {
	Key   string
	Value any
}

// MarshalJSON writes the members in their order.
func (o Object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // people read it
	out.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := encoder.Encode(m.Key); err != nil {
			return nil, err
		}
		out.WriteByte(':')
		if err := encoder.Encode(m.Value); err != nil {
			return nil, err
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// Plain is a value as it reads back once it is written: each Object in it a
// map[string]any, each number a json.Number.
func Plain(value any) any {
	switch v := value.(type) {
	case Object:
		object := make(map[string]any, len(v))
		for _, m := range v {
			object[m.Key] = Plain(m.Value)
		}
		return object
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = Plain(v[i])
		}
		return list
	case int, float64:
		if text, err := json.Marshal(v); err == nil {
			return json.Number(text)
		}
		return nil // as it is written
	default:
		return value
	}
}

// Write writes a value as YAML that reads back as the same value: nil, bool,
// string, numbers, json.Number, []any, map[string]any and Object, nested as
// deep as they like. It is laid out as Format would lay it out.
func Write(value any) []byte {
	if m, ok := value.(map[string]any); ok {
		value = inOrder(m)
	}
	w := &yamlWriter{}
	object, _ := value.(Object)
	list, _ := value.([]any)
	switch {
	case len(object) > 0:
		w.members(object, 0, "")
	case len(list) > 0:
		w.items(list, 0)
	default:
		w.behind(value, 0)
	}
	return []byte(strings.TrimPrefix(w.String(), " "))
}

// Append writes further items of the list under the top key of that name. The
// list must be the last thing in its document and not in brackets; what the
// document holds already stays as it is, to the letter. The error says why the
// items cannot be written there.
func Append(root *document.Node, key string, items []any) ([]byte, error) {
	indent, err := endOfList(root, key)
	if err != nil {
		return nil, err
	}
	w := &yamlWriter{}
	w.items(items, indent)
	was, more := root.Place().File.Text, w.String()
	if len(was) > 0 && was[len(was)-1] != '\n' {
		more = "\n" + more
	}
	if bytes.Contains(was, []byte("\r\n")) {
		more = strings.ReplaceAll(more, "\n", "\r\n")
	}
	text := slices.Concat(was, []byte(more))
	if again := document.Parse(root.Place().File.Name, text, new(document.Report)); again == nil ||
		!reflect.DeepEqual(again.Exact(), withItems(root, key, items)) {
		return nil, errors.New("what stands at its end leaves no room for more")
	}
	return text, nil
}

// endOfList is how far the dashes of a list are indented whose further items
// would stand at the end of the document.
func endOfList(root *document.Node, key string) (int, error) {
	content := root.YAML().Content
	if !root.IsObject() || len(content) == 0 || content[len(content)-2].Value != key {
		return 0, fmt.Errorf("%s: is not the last of its keys", key)
	}
	name, list := content[len(content)-2], content[len(content)-1]
	switch {
	case list.Kind == yaml.ScalarNode && list.Value == "" && list.ShortTag() == "!!null":
		return 2, nil
	case list.Kind != yaml.SequenceNode || list.Style&yaml.FlowStyle != 0:
		return 0, fmt.Errorf("its %s: is not a list with a line for each dash", key)
	}
	for at := name.Line + 1; at <= list.Content[0].Line; at++ {
		line := root.Place().File.Line(at)
		if body := strings.TrimLeft(line, " "); body == "-" || strings.HasPrefix(body, "- ") {
			return len(line) - len(body), nil
		}
	}
	return 0, fmt.Errorf("its %s: does not start with a dash", key)
}

// withItems is the document's value with further items in the list under a key.
func withItems(root *document.Node, key string, items []any) any {
	value := root.Exact().(map[string]any)
	list, _ := value[key].([]any)
	value[key] = slices.Concat(list, Plain(items).([]any))
	return value
}

func inOrder(m map[string]any) Object {
	object := make(Object, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		object = append(object, Member{key, m[key]})
	}
	return object
}

// yamlWriter writes values in block style.
type yamlWriter struct{ strings.Builder }

// members writes the members of an object, the first behind what stands on its
// line already.
func (w *yamlWriter) members(object Object, indent int, first string) {
	for i, m := range object {
		start := strings.Repeat(" ", indent)
		if i == 0 && first != "" {
			start = first
		}
		w.WriteString(start)
		key := inline(m.Key)
		if len(key) > longestKey {
			w.WriteString("? " + key + "\n" + strings.Repeat(" ", indent) + ":")
		} else {
			w.WriteString(key + ":")
		}
		w.behind(m.Value, indent)
	}
}

// longestKey is how long a key may be before YAML wants a ? in front of it; the
// true bound is 1024.
const longestKey = 1000

func (w *yamlWriter) items(list []any, indent int) {
	for _, item := range list {
		dash := strings.Repeat(" ", indent) + "-"
		if m, ok := item.(map[string]any); ok {
			item = inOrder(m)
		}
		if object, ok := item.(Object); ok && len(object) > 0 {
			w.members(object, indent+2, dash+" ")
			continue
		}
		w.WriteString(dash)
		w.behind(item, indent)
	}
}

// behind writes a value behind its key or dash, which is indented so far.
func (w *yamlWriter) behind(value any, indent int) {
	switch v := value.(type) {
	case map[string]any:
		w.behind(inOrder(v), indent)
	case Object:
		if len(v) == 0 {
			w.WriteString(" {}\n")
			return
		}
		w.WriteString("\n")
		w.members(v, indent+2, "")
	case []any:
		if len(v) == 0 {
			w.WriteString(" []\n")
			return
		}
		w.WriteString("\n")
		w.items(v, indent+2)
	case string:
		if isLiteral(v) {
			w.literal(v, indent+2)
			return
		}
		w.WriteString(" " + inline(v) + "\n")
	default:
		text, err := json.Marshal(v)
		if err != nil {
			text = []byte("null") // no JSON value, such as an infinite number
		}
		w.WriteString(" " + string(text) + "\n")
	}
}

// isLiteral says whether a text of several lines can stand as it is, below |.
func isLiteral(text string) bool {
	lines := strings.TrimSuffix(text, "\n")
	if !strings.Contains(lines, "\n") || strings.HasSuffix(lines, "\n") || strings.HasPrefix(text, " ") ||
		strings.HasPrefix(text, "\n") {
		return false
	}
	return !strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) })
}

func (w *yamlWriter) literal(text string, indent int) {
	lines, ends := strings.CutSuffix(text, "\n")
	w.WriteString(" |")
	if !ends {
		w.WriteString("-")
	}
	w.WriteString("\n")
	for line := range strings.SplitSeq(lines, "\n") {
		if line != "" {
			line = strings.Repeat(" ", indent) + line
		}
		w.WriteString(line + "\n")
	}
}

var (
	plainText = regexp.MustCompile(`^[A-Za-z](?:[A-Za-z0-9_./@+ (),;!?*&=%'-]|:[A-Za-z0-9/])*$`)
	// notText is what some reader of YAML takes for something else than text.
	notText = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null)$`)
)

// inline is a text on one line: in quotes, unless everybody reads it as the
// text it is without them.
func inline(text string) string {
	if plainText.MatchString(text) && !notText.MatchString(text) && !strings.HasSuffix(text, " ") {
		return text
	}
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteString(`\` + string(r))
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case unicode.IsPrint(r):
			out.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
	}
	out.WriteByte('"')
	return out.String()
}
