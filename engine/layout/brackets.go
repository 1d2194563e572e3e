package layout

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// bracketed reads a list or an object in brackets. One on several lines is
// taken apart, to be printed without brackets; if that cannot be done it is
// kept as it is.
func (a *attacher) bracketed(e *entry, y *yaml.Node, inline bool) error {
	v := e.value
	v.bracket = true
	v.form = formObject
	if y.Kind == yaml.SequenceNode {
		v.form = formList
	}
	if !a.isMark("[") && !a.isMark("{") {
		v.single, v.inline = true, inline
		return a.pairs(v, y)
	}
	start, end := a.at, a.closing()
	open, closed := &a.cut.pieces[start], &a.cut.pieces[end]
	if inline || open.line == closed.line {
		v.inline = true
		a.settle(e)
		a.take()
		if err := a.inside(v, y); err != nil || a.at != end {
			return a.keep(e, start, end)
		}
		a.take()
		a.slot = &e.behind
		return nil
	}
	entryWas, valueWas, stateWas := *e, *v, *a
	if err := a.unfold(e, y, end); err == nil {
		return nil
	}
	*e, *a = entryWas, stateWas
	*v = valueWas
	return a.keep(e, start, end)
}

// unfold reads a list or an object in brackets over several lines.
func (a *attacher) unfold(e *entry, y *yaml.Node, end int) error {
	v := e.value
	a.take()
	if e.col < 0 {
		a.slot = &e.aside
	}
	if len(y.Content) == 0 {
		v.inline = true
		a.settle(e)
	}
	if err := a.inside(v, y); err != nil {
		return err
	}
	if a.at != end || len(v.entries) == 0 && len(a.pending) > 0 {
		return a.refuse("comments in empty brackets")
	}
	for _, inner := range v.entries {
		if inner.value.endsInColon() || inner.key != nil && inner.key.endsInColon() {
			return a.refuse("a colon that is text only inside of brackets")
		}
	}
	a.take()
	if v.inline {
		return nil
	}
	e.foot = append(e.foot, a.pending...)
	a.pending = nil
	a.slot = &e.aside
	if p := a.next(); p.kind == commentPiece && !p.own && (e.aside != "" || e.col < 0) {
		return a.refuse("a comment without a place")
	}
	if e.col < 0 && e.aside != "" { // the root has no line of its own
		v.entries[0].head = append([]note{{text: e.aside}}, v.entries[0].head...)
		e.aside = ""
	}
	return nil
}

// closing is the index of the mark that closes the bracket which comes next.
func (a *attacher) closing() int {
	depth := 0
	for i := a.at; i < len(a.cut.pieces); i++ {
		if p := &a.cut.pieces[i]; p.kind == markPiece {
			switch p.text {
			case "[", "{":
				depth++
			case "]", "}":
				depth--
			}
			if depth == 0 {
				return i
			}
		}
	}
	return len(a.cut.pieces) - 1
}

// keep takes the text of the pieces from start to end as it is.
func (a *attacher) keep(e *entry, start, end int) error {
	v := &value{props: e.value.props, form: formKept, inline: true, bracket: true}
	v.text = a.cut.text[a.cut.pieces[start].from:a.cut.pieces[end].to]
	if !strings.Contains(v.text, "\n") {
		v.form = formText
	}
	if len(a.pending) > 0 {
		e.before, a.pending = a.pending, nil
	}
	e.value = v
	a.last = a.cut.pieces[end].last
	a.at = end + 1
	a.slot = &e.behind
	return nil
}

// inside reads what stands between brackets.
func (a *attacher) inside(v *value, y *yaml.Node) error {
	if v.form == formObject {
		if err := a.pairs(v, y); err != nil {
			return err
		}
		return a.commas()
	}
	for _, child := range y.Content {
		if err := a.commas(); err != nil {
			return err
		}
		item := a.enter(v)
		item.blank = a.next().line-a.last > 1
		if err := a.value(item, child, v.inline); err != nil {
			return err
		}
	}
	return a.commas()
}

func (a *attacher) pairs(v *value, y *yaml.Node) error {
	for i := 0; i+1 < len(y.Content); i += 2 {
		if err := a.commas(); err != nil {
			return err
		}
		pair := a.enter(v)
		if err := a.key(pair, y.Content[i]); err != nil {
			return err
		}
		a.slot = &pair.aside
		if err := a.comments(); err != nil {
			return err
		}
		if a.isMark(":") {
			if pair.aside != "" || len(a.pending) > 0 {
				return a.refuse("a comment between a key and its colon")
			}
			a.take()
		}
		if err := a.value(pair, y.Content[i+1], v.inline); err != nil {
			return err
		}
	}
	return nil
}

// commas passes over the commas and comments that come next.
func (a *attacher) commas() error {
	for {
		if err := a.comments(); err != nil || !a.isMark(",") {
			return err
		}
		a.take()
	}
}
