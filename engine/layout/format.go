// Package layout lays out rule files in one way, with every comment where it
// belongs, and writes values as rule files have them. What it cannot lay out
// without a change to what it says, it leaves alone.
package layout

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"heed/engine/document"
)

const (
	blockStyles  = yaml.LiteralStyle | yaml.FoldedStyle
	quotedStyles = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle
)

// Style says how a document is laid out where nothing but custom can say it:
// the order of keys and the blank lines. The zero Style keeps both.
type Style struct {
	// Order are the keys of an object in the order in which they are written.
	// Keys that are not named here come after them, in the author's order.
	Order []string
	// Gap says between which entries a blank line must stand.
	Gap Gap
	// Fields are the styles of an object's values, by their keys.
	Fields map[string]*Style
	// Each is the style of a list's items, and of those values of an object
	// that Fields does not name.
	Each *Style
}

// Gap says between which entries of a list or an object a blank line must
// stand. Elsewhere one blank line is kept if the author left any.
type Gap int

// The kinds of Gap.
const (
	GapKept   Gap = iota // nowhere
	GapAlways            // between all entries
	GapTall              // round the entries that hold entries of their own on lines below
)

func (s *Style) field(key string) *Style {
	if s == nil {
		return nil
	}
	if field, ok := s.Fields[key]; ok {
		return field
	}
	return s.Each
}

func (s *Style) item() *Style {
	if s == nil {
		return nil
	}
	return s.Each
}

// rank is where a key belongs in its object.
func (s *Style) rank(key string) int {
	if s == nil {
		return 0
	}
	if i := slices.Index(s.Order, key); i >= 0 {
		return i
	}
	return len(s.Order)
}

// Error says that a document cannot be laid out without a change to what
// it says.
type Error struct {
	// Line is near what stands in the way; it counts from 1.
	Line int
	// shape names what Format does not lay out by design; it is empty if the
	// result did not say the same.
	shape string
}

func (e *Error) Error() string {
	return fmt.Sprintf("heed cannot lay this file out without changing it, near line %d; it stays as it is", e.Line)
}

// Format lays out the document that root was parsed from. Scalars stay as they
// are written, and comments with what they stand by. The result says the same
// as the document and is stable: Format would not change it again. Where that
// cannot be had, the error is a *Error.
func Format(root *document.Node, style *Style) ([]byte, error) {
	was, text, err := layOut(root, style)
	if err != nil {
		return nil, err
	}
	again := document.Parse(root.Place().File.Name, text, new(document.Report))
	if again == nil {
		return nil, &Error{Line: was.firstLine()}
	}
	if line := firstDifference(root.YAML(), again.YAML()); line > 0 {
		return nil, &Error{Line: line}
	}
	is, same, err := layOut(again, style)
	if err != nil {
		return nil, &Error{Line: was.firstLine()}
	}
	if line := firstLost(was.pieces, is.pieces); line > 0 {
		return nil, &Error{Line: line}
	}
	if !bytes.Equal(text, same) {
		return nil, &Error{Line: is.nearestLine(text, same)}
	}
	return text, nil
}

// layOut is Format without its safety net.
func layOut(root *document.Node, style *Style) (*cutter, []byte, error) {
	cut, err := cutUp(root)
	if err != nil {
		return nil, nil, err
	}
	tree, err := attach(root.YAML(), cut)
	if err != nil {
		return nil, nil, err
	}
	p := &printer{keepOrder: hasReferences(root.YAML())}
	p.document(tree, cut, style)
	return cut, p.finish(cut), nil
}

// hasReferences says whether a document has anchors, aliases or merge keys: an
// alias must stay behind its anchor, so nothing may move.
func hasReferences(y *yaml.Node) bool {
	return y.Anchor != "" || y.Kind == yaml.AliasNode || y.ShortTag() == "!!merge" ||
		slices.ContainsFunc(y.Content, hasReferences)
}

// firstDifference compares two documents, whose keys may stand in different
// orders. It returns the line in the first of what differs, or 0.
func firstDifference(was, is *yaml.Node) int {
	const styles = blockStyles | quotedStyles | yaml.TaggedStyle
	if was.Kind != is.Kind || was.Tag != is.Tag || was.Value != is.Value || was.Anchor != is.Anchor ||
		was.Style&styles != is.Style&styles || len(was.Content) != len(is.Content) {
		return max(was.Line, 1)
	}
	wasChildren, isChildren := inOneOrder(was), inOneOrder(is)
	for i := range wasChildren {
		if line := firstDifference(wasChildren[i], isChildren[i]); line > 0 {
			return line
		}
	}
	return 0
}

// inOneOrder are a node's children, an object's sorted by their keys.
func inOneOrder(y *yaml.Node) []*yaml.Node {
	if y.Kind != yaml.MappingNode {
		return y.Content
	}
	var pairs [][2]*yaml.Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		pairs = append(pairs, [2]*yaml.Node{y.Content[i], y.Content[i+1]})
	}
	slices.SortStableFunc(pairs, func(a, b [2]*yaml.Node) int { return cmp.Compare(a[0].Value, b[0].Value) })
	var children []*yaml.Node
	for _, pair := range pairs {
		children = append(children, pair[0], pair[1])
	}
	return children
}

// firstLost finds a comment or a scalar that is not as often in one document
// as in the other. It returns its line, or 0.
func firstLost(was, is []piece) int {
	count := map[string]int{}
	for _, p := range is {
		count[p.essence()]++
	}
	for _, p := range was {
		if count[p.essence()]--; p.essence() != "" && count[p.essence()] < 0 {
			return p.line
		}
	}
	for _, p := range is {
		if p.essence() != "" && count[p.essence()] > 0 {
			return p.line
		}
	}
	return 0
}

// essence is the text of a comment or a scalar apart from white space, which
// depends on where it stands; empty for a piece that is neither.
func (p *piece) essence() string {
	switch p.kind {
	case commentPiece, scalarPiece:
		return strings.Join(strings.Fields(p.text+" "+strings.Join(p.body, " ")), " ")
	default:
		return ""
	}
}
