package source

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Layout says how a document is laid out where nothing but custom can say it:
// the order of keys and the blank lines. The zero Layout keeps both.
type Layout struct {
	// Order are the keys of an object in the order in which they are written.
	// Keys that are not named here come after them, in the author's order.
	Order []string
	// Gap says between which entries a blank line must stand.
	Gap Gap
	// Fields are the layouts of an object's values, by their keys.
	Fields map[string]*Layout
	// Each is the layout of a list's items, and of those values of an object
	// that Fields does not name.
	Each *Layout
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

func (l *Layout) field(key string) *Layout {
	if l == nil {
		return nil
	}
	if field, ok := l.Fields[key]; ok {
		return field
	}
	return l.Each
}

func (l *Layout) item() *Layout {
	if l == nil {
		return nil
	}
	return l.Each
}

// rank is where a key belongs in its object.
func (l *Layout) rank(key string) int {
	if l == nil {
		return 0
	}
	if i := slices.Index(l.Order, key); i >= 0 {
		return i
	}
	return len(l.Order)
}

// LayoutError says that a document cannot be laid out without a change to what
// it says.
type LayoutError struct {
	// Line is near what stands in the way; it counts from 1.
	Line int
	// shape names what Format does not lay out by design; it is empty if the
	// result did not say the same.
	shape string
}

func (e *LayoutError) Error() string {
	return fmt.Sprintf("heed cannot lay this file out without changing it, near line %d; it stays as it is", e.Line)
}

// Format lays out the document that root was parsed from. Scalars stay as they
// are written, and comments with what they stand by. The result says the same
// as the document and is stable: Format would not change it again. Where that
// cannot be had, the error is a *LayoutError.
func Format(root *Node, layout *Layout) ([]byte, error) {
	was, text, err := layOut(root, layout)
	if err != nil {
		return nil, err
	}
	again := Parse(root.file.Name, text, new(Report))
	if again == nil {
		return nil, &LayoutError{Line: was.firstLine()}
	}
	if line := firstDifference(root.y, again.y); line > 0 {
		return nil, &LayoutError{Line: line}
	}
	is, same, err := layOut(again, layout)
	if err != nil {
		return nil, &LayoutError{Line: was.firstLine()}
	}
	if line := firstLost(was.pieces, is.pieces); line > 0 {
		return nil, &LayoutError{Line: line}
	}
	if !bytes.Equal(text, same) {
		return nil, &LayoutError{Line: is.nearestLine(text, same)}
	}
	return text, nil
}

// layOut is Format without its safety net.
func layOut(root *Node, layout *Layout) (*cutter, []byte, error) {
	cut, err := cutUp(root)
	if err != nil {
		return nil, nil, err
	}
	tree, err := attach(root.y, cut)
	if err != nil {
		return nil, nil, err
	}
	p := &printer{keepOrder: hasReferences(root.y)}
	p.document(tree, cut, layout)
	return cut, p.finish(cut), nil
}

// hasReferences says whether a document has anchors, aliases or merge keys: an
// alias must stay behind its anchor, so nothing may move.
func hasReferences(y *yaml.Node) bool {
	return y.Anchor != "" || y.Kind == yaml.AliasNode || y.ShortTag() == "!!merge" || slices.ContainsFunc(y.Content, hasReferences)
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
