package layout

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// note is a comment on a line of its own.
type note struct {
	text  string
	blank bool // a blank line stands above
	col   int
}

// entry is a pair of an object or an item of a list, with the comments that
// belong to it:
//
//	# head
//	key: # aside
//	  # before
//	  value # behind
//	  # foot
//	# tail, where a blank line follows
type entry struct {
	key    *value // nil for an item
	value  *value
	head   []note
	blank  bool // a blank line stands above its first line, below head
	aside  string
	before []note
	behind string
	foot   []note
	tail   []note
	col    int // where it stood; it is deeper than what it stands in
}

// value is what an entry holds.
type value struct {
	props   string   // tags and anchors
	text    string   // of a scalar, an alias, or what is kept as it is
	body    []string // of a block scalar
	name    string   // a scalar's value, for keys
	form    form
	inline  bool   // a list or an object on one line
	single  bool   // an object with one pair and no braces: [a: b]
	bracket bool   // it was written with brackets
	top     []note // comments at its top that a blank line parts from the first entry
	entries []*entry
}

func (v *value) endsInColon() bool { return v.form == formText && strings.HasSuffix(v.text, ":") }

type form int

const (
	formEmpty form = iota
	formText
	formBlock // a block scalar
	formKept  // lines that are not laid out
	formList
	formObject
)

// tall says whether a value holds entries that stand on lines of their own.
func (v *value) tall() bool {
	return (v.form == formList || v.form == formObject) && !v.inline && len(v.entries) > 0
}

// tree is a whole file, taken apart.
type tree struct {
	top    []note // above the marker ---
	marker string // what stands behind the marker
	root   *entry
}

// attacher walks the tree and the pieces side by side.
type attacher struct {
	cut     *cutter
	at      int     // the next piece
	last    int     // the last line of the pieces so far
	pending []note  // comments that have found no place yet
	slot    *string // where a comment at the end of this line belongs
}

// attach gives each comment its place in the tree.
func attach(y *yaml.Node, cut *cutter) (*tree, error) {
	a := &attacher{cut: cut, last: 1}
	d := &tree{root: &entry{col: -1}}
	if cut.marker >= 0 {
		if err := a.comments(); err != nil {
			return nil, err
		}
		d.top, a.pending = a.pending, nil
		a.take()
		a.slot = &d.marker
	}
	if err := a.value(d.root, y, false); err != nil {
		return nil, err
	}
	if err := a.comments(); err != nil {
		return nil, err
	}
	if a.at < len(a.cut.pieces) {
		return nil, a.refuse("something behind the document")
	}
	a.placeDeeper(d.root, -1)
	if line := d.root.likeMarker(); line != "" {
		return nil, &Error{
			Line:  1 + strings.Count(cut.text[:strings.Index(cut.text, line)], "\n"),
			shape: "a text like a marker",
		}
	}
	return d, nil
}

// likeMarker finds a text that would be a marker at the start of a line.
func (e *entry) likeMarker() string {
	texts := []string{e.value.text}
	for _, inner := range e.value.entries {
		if inner.key != nil {
			texts = append(texts, inner.key.text)
		}
	}
	for _, text := range texts {
		if strings.HasPrefix(text, "---") || strings.HasPrefix(text, "...") {
			return text
		}
	}
	return ""
}

func (a *attacher) refuse(shape string) error {
	line := a.last
	if a.at < len(a.cut.pieces) {
		line = a.cut.pieces[a.at].line
	}
	return &Error{Line: line, shape: shape}
}

// next is the next piece, or one that is nothing.
func (a *attacher) next() *piece {
	if a.at < len(a.cut.pieces) {
		return &a.cut.pieces[a.at]
	}
	return &piece{kind: markPiece, line: a.last}
}

// take passes over the next piece. It says whether a blank line stood above.
func (a *attacher) take() bool {
	p := a.next()
	blank := p.line-a.last > 1
	a.last = max(a.last, p.last)
	a.at++
	return blank
}

func (a *attacher) isMark(text string) bool {
	return a.next().kind == markPiece && a.next().text == text
}

// comments takes the comments that come next.
func (a *attacher) comments() error {
	for a.at < len(a.cut.pieces) && a.next().kind == commentPiece {
		p := a.next()
		switch {
		case p.own:
			a.pending = append(a.pending, note{text: p.text, blank: p.line-a.last > 1, col: p.col})
		case a.slot == nil || *a.slot != "":
			return a.refuse("a comment without a place")
		default:
			*a.slot = p.text
		}
		a.take()
	}
	return nil
}

// value reads the value of an entry. inline says that the entry stands inside
// brackets on one line.
func (a *attacher) value(e *entry, y *yaml.Node, inline bool) error {
	e.value = new(value)
	if err := a.comments(); err != nil {
		return err
	}
	if p := a.next(); p.kind == propertyPiece && p.line == y.Line && p.col == y.Column-1 && !startsWithFirst(y) {
		e.value.props = strings.Join(strings.Fields(p.text), " ")
		a.take()
		if err := a.comments(); err != nil {
			return err
		}
	}
	switch {
	case y.Kind == yaml.ScalarNode || y.Kind == yaml.AliasNode:
		return a.scalar(e, y)
	case y.Style&yaml.FlowStyle != 0:
		return a.bracketed(e, y, inline)
	case y.Kind == yaml.SequenceNode:
		return a.list(e, y)
	default:
		return a.object(e, y)
	}
}

func (a *attacher) scalar(e *entry, y *yaml.Node) error {
	e.value.name = y.Value
	if !a.cut.scalars[y] {
		return nil
	}
	p := a.next()
	if p.kind != scalarPiece {
		return a.refuse("a mark where a value should be")
	}
	e.value.form, e.value.text, e.value.body = formText, p.text, p.body
	if p.blockScalar() {
		e.value.form = formBlock
	}
	a.settle(e)
	a.take()
	return nil
}

// settle says that the value which comes next stands on one line.
func (a *attacher) settle(e *entry) {
	e.before, a.pending = a.pending, nil
	a.slot = &e.behind
}

func (a *attacher) list(e *entry, y *yaml.Node) error {
	e.value.form = formList
	for _, child := range y.Content {
		if err := a.comments(); err != nil {
			return err
		}
		if !a.isMark("-") {
			return a.refuse("an item without a dash")
		}
		item := a.enter(e.value)
		item.blank = a.take()
		a.slot = &item.aside
		if err := a.value(item, child, false); err != nil {
			return err
		}
	}
	return nil
}

func (a *attacher) object(e *entry, y *yaml.Node) error {
	if len(y.Content) == 0 {
		return nil // a file without a value
	}
	e.value.form = formObject
	for i := 0; i+1 < len(y.Content); i += 2 {
		if err := a.comments(); err != nil {
			return err
		}
		pair := a.enter(e.value)
		if err := a.key(pair, y.Content[i]); err != nil {
			return err
		}
		if !a.isMark(":") {
			return a.refuse("a key without a colon")
		}
		a.take()
		a.slot = &pair.aside
		if err := a.value(pair, y.Content[i+1], false); err != nil {
			return err
		}
	}
	return nil
}

// key reads a key on one line, up to its colon.
func (a *attacher) key(pair *entry, y *yaml.Node) error {
	first := a.next()
	pair.blank = first.line-a.last > 1
	if a.isMark("?") {
		return a.refuse("a key behind ?")
	}
	holder := new(entry)
	a.slot = nil
	if err := a.value(holder, y, true); err != nil {
		return err
	}
	pair.key = holder.value
	if pair.key.form == formEmpty || pair.key.form == formBlock || pair.key.form == formKept || len(holder.before) > 0 {
		return a.refuse("an empty or a long key")
	}
	a.slot = nil
	if a.cut.pieces[a.at-1].last != first.line {
		return a.refuse("a key over several lines")
	}
	return nil
}

// enter adds an entry that starts with the next piece and gives it the pending
// comments above it, or such as stand deeper to what is above them.
func (a *attacher) enter(v *value) *entry {
	e := &entry{col: a.next().col}
	if len(v.entries) == 0 {
		a.placeOnTop(v, e)
	} else {
		above := v.entries[len(v.entries)-1]
		if !v.bracket {
			a.placeDeeper(above, e.col)
		}
		a.placeBelow(above)
		e.head, a.pending = a.pending, nil
	}
	v.entries = append(v.entries, e)
	return e
}

// placeBelow gives an entry the pending comments that stand right below it, if
// a blank line parts them from what comes next.
func (a *attacher) placeBelow(e *entry) {
	for i, n := range a.pending {
		switch {
		case n.blank && i == 0:
			return
		case n.blank:
			e.tail, a.pending = a.pending[:i:i], a.pending[i:]
			return
		}
	}
	if a.next().line-a.last > 1 {
		e.tail, a.pending = a.pending, nil
	}
}

// placeOnTop splits the comments over a first entry at the last blank line:
// those above it are about the whole.
func (a *attacher) placeOnTop(v *value, first *entry) {
	split := 0
	for i, n := range a.pending {
		if n.blank && i > 0 {
			split = i
		}
	}
	if a.next().line-a.last > 1 {
		split = len(a.pending)
	}
	v.top, first.head, a.pending = a.pending[:split:split], a.pending[split:], nil
}

// placeDeeper gives the pending comments that stand deeper than a column to
// the innermost entry at the end of e which they are inside of.
func (a *attacher) placeDeeper(e *entry, col int) {
	open := openAtEnd(e)
	for len(open) > 0 && len(a.pending) > 0 && a.pending[0].col > col {
		for len(open) > 1 && open[len(open)-1].col >= a.pending[0].col {
			open = open[:len(open)-1]
		}
		inner := open[len(open)-1]
		inner.foot = append(inner.foot, a.pending[0])
		a.pending = a.pending[1:]
	}
}

// openAtEnd is an entry, its last entry, and so on, as far as a comment can
// stand below: inside of a block scalar it would be text.
func openAtEnd(e *entry) []*entry {
	open := []*entry{e}
	for v := e.value; v != nil && !v.bracket && len(v.entries) > 0; v = e.value {
		e = v.entries[len(v.entries)-1]
		open = append(open, e)
	}
	if e.value.form == formBlock && e.col >= 0 {
		open = open[:len(open)-1]
	}
	return open
}
