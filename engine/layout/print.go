package layout

import (
	"slices"
	"strings"
)

// printer writes a document in the layout.
type printer struct {
	out       strings.Builder
	keepOrder bool
	lead      string // the dashes that the next line starts with
	full      bool   // blank lines here would belong to the text above
}

func (p *printer) document(d *tree, cut *cutter, style *Style) {
	for i, n := range d.top {
		p.note(0, n, n.blank && i > 0)
	}
	if cut.marker >= 0 {
		p.line(0, false, "---"+aside(d.marker))
	}
	root := d.root
	p.arrange(root, style)
	if root.value.tall() {
		if root.value.props != "" {
			p.line(0, false, root.value.props)
		}
		p.entries(root.value, 0, style)
	} else {
		for i, n := range root.before {
			p.note(0, n, n.blank && i > 0)
		}
		p.inlineValue(root, "", 0, 0, style)
	}
	for _, n := range root.foot {
		p.note(0, n, n.blank && p.out.Len() > 0)
	}
}

// finish is the text. It ends with a line break, except where that would add
// one to a block scalar.
func (p *printer) finish(cut *cutter) []byte {
	text := p.out.String()
	if cut.endsOpen() {
		text = strings.TrimSuffix(text, "\n")
	}
	return []byte(text)
}

// arrange puts the keys into their order, and lifts comments that would stand
// between a dash and what follows on its line above the dash.
func (p *printer) arrange(e *entry, style *Style) {
	v := e.value
	if v.form == formObject && !p.keepOrder {
		slices.SortStableFunc(v.entries, func(a, b *entry) int {
			return style.rank(a.key.name) - style.rank(b.key.name)
		})
	}
	for _, inner := range v.entries {
		if inner.key != nil {
			p.arrange(inner, style.field(inner.key.name))
			continue
		}
		p.arrange(inner, style.item())
		if inner.joins() {
			inner.lift()
		}
	}
}

// joins says whether an item's first entry stands on the line of its dash.
func (e *entry) joins() bool {
	return e.key == nil && e.value.tall() && e.value.props == "" && e.aside == ""
}

func (e *entry) lift() {
	v, first := e.value, e.value.entries[0]
	if len(v.top)+len(first.head) == 0 {
		return
	}
	below := first.blank
	if len(v.top) > 0 {
		if len(first.head) > 0 {
			first.head[0].blank = true
		} else {
			below = true
		}
	}
	lifted := slices.Concat(v.top, first.head)
	lifted[0].blank, e.blank = e.blank || below, below
	e.head = append(e.head, lifted...)
	v.top, first.head = nil, nil
}

func (p *printer) entries(v *value, indent int, style *Style) {
	for i, n := range v.top {
		p.note(indent, n, n.blank && i > 0)
	}
	for i, e := range v.entries {
		gap := len(v.top) > 0
		if i > 0 {
			gap = e.startsApart() || len(v.entries[i-1].tail) > 0 || style.parts(v.entries[i-1], e)
		}
		p.entry(e, indent, style, gap)
	}
}

// startsApart says whether the author left a blank line above an entry.
func (e *entry) startsApart() bool {
	if len(e.head) > 0 {
		return e.head[0].blank
	}
	return e.blank
}

// parts says whether a blank line must stand between two entries.
func (s *Style) parts(above, below *entry) bool {
	switch {
	case s == nil:
		return false
	case s.Gap == GapTall:
		return above.value.tall() || below.value.tall()
	default:
		return s.Gap == GapAlways
	}
}

func (p *printer) entry(e *entry, indent int, style *Style, gap bool) {
	for i, n := range e.head {
		p.note(indent, n, (i == 0 && gap) || (i > 0 && n.blank))
	}
	if len(e.head) > 0 {
		gap = e.blank
	}
	start, inner := "-", style.item()
	if e.key != nil {
		start, inner = p.keyText(e.key), style.field(e.key.name)
	}
	if gap {
		p.blank()
	}
	switch {
	case e.joins():
		if p.lead == "" {
			p.lead = strings.Repeat(" ", indent)
		}
		p.lead += "- "
		p.entries(e.value, indent+2, inner)
	case e.value.tall():
		p.line(indent, false, joined(start, e.value.props)+aside(e.aside))
		p.entries(e.value, indent+2, inner)
	case len(e.before) > 0 || e.aside != "" && e.value.form != formEmpty:
		p.line(indent, false, start+aside(e.aside))
		for i, n := range e.before {
			p.note(indent+2, n, n.blank && i > 0)
		}
		p.inlineValue(e, "", indent+2, indent, inner)
	default:
		p.inlineValue(e, start, indent, indent, inner)
	}
	for _, n := range e.foot {
		p.note(indent+2, n, n.blank)
	}
	for _, n := range e.tail {
		p.note(indent, n, false)
	}
}

// keyText is a key with its colon. An alias would take the colon into its name.
func (p *printer) keyText(key *value) string {
	text := p.flow(key, nil)
	if strings.HasPrefix(text, "*") {
		text += " "
	}
	return text + ":"
}

// inlineValue writes a value that starts on the line of its key or dash, with
// what stands before it there. parent is the indentation that its further
// lines are deeper than.
func (p *printer) inlineValue(e *entry, start string, indent, parent int, style *Style) {
	v := e.value
	lines := strings.Split(joined(start, p.flow(v, style)), "\n")
	lines[len(lines)-1] += aside(e.behind)
	if v.form == formEmpty {
		lines[len(lines)-1] += aside(e.aside)
	}
	if lines[0] == "" && len(lines) == 1 {
		return // a document without a value
	}
	further, strip := parent+2, -1
	if v.form == formKept {
		strip = leastIndent(lines[1:])
	}
	p.line(indent, false, trimEnd(lines[0]))
	for _, line := range lines[1:] {
		p.continued(further, strip, line)
	}
	if v.form == formBlock {
		p.body(v, parent)
	}
}

// continued writes a further line of a scalar, without its indentation or
// without the first characters of it.
func (p *printer) continued(indent, strip int, line string) {
	if strip < 0 || strip > len(line) {
		strip = len(line) - len(strings.TrimLeft(line, " \t"))
	}
	line = trimEnd(line[strip:])
	if strings.Trim(line, " \t") == "" {
		p.out.WriteString("\n")
		return
	}
	p.out.WriteString(strings.Repeat(" ", indent) + line + "\n")
}

func leastIndent(lines []string) int {
	least := -1
	for _, line := range lines {
		spaces := len(line) - len(strings.TrimLeft(line, " "))
		if spaces < len(line) && (least < 0 || spaces < least) {
			least = spaces
		}
	}
	return least
}

// trimEnd drops the white space at the end of a line, except one character
// behind a backslash, which would then escape the line break.
func trimEnd(line string) string {
	trimmed := strings.TrimRight(line, " \t")
	slashes := len(trimmed) - len(strings.TrimRight(trimmed, `\`))
	if slashes%2 == 1 && len(trimmed) < len(line) {
		return line[:len(trimmed)+1]
	}
	return trimmed
}

// body writes the lines of a block scalar.
func (p *printer) body(v *value, parent int) {
	width := parent + 2
	if i := strings.IndexAny(v.text, "123456789"); i >= 0 {
		width = parent + int(v.text[i]-'0')
	}
	for _, line := range v.body {
		if line != "" {
			line = strings.Repeat(" ", width) + line
		}
		p.out.WriteString(line + "\n")
	}
	p.full = strings.Contains(v.text, "+")
}

// flow is a value as it stands on one line.
func (p *printer) flow(v *value, style *Style) string {
	text := v.text
	switch {
	case v.form != formList && v.form != formObject:
	case v.single:
		text = p.flowPair(v.entries[0], style, true)
	default:
		parts := make([]string, len(v.entries))
		for i, e := range v.entries {
			if e.key != nil {
				parts[i] = p.flowPair(e, style, false)
			} else {
				parts[i] = p.flow(e.value, style.item()) + afterProps(e.value)
			}
		}
		text = strings.Join(parts, ", ")
		if v.form == formList {
			text = "[" + text + "]"
		} else {
			text = "{" + text + "}"
		}
	}
	return joined(v.props, text)
}

// flowPair is a pair inside brackets. One without a value needs no colon,
// unless that alone makes it a pair: [a: ].
func (p *printer) flowPair(e *entry, style *Style, single bool) string {
	if e.value.form == formEmpty && e.value.props == "" && !single {
		return p.flow(e.key, nil)
	}
	return p.keyText(e.key) + " " + p.flow(e.value, style.field(e.key.name)) + afterProps(e.value)
}

// afterProps is a space behind a tag without a value, which would else take
// the comma for a part of itself.
func afterProps(v *value) string {
	if v.form == formEmpty && v.props != "" {
		return " "
	}
	return ""
}

// joined joins two texts with a space, if there are two.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}

// aside is a comment as it stands at the end of a line.
func aside(comment string) string {
	if comment == "" {
		return ""
	}
	return " " + comment
}

func (p *printer) note(indent int, n note, blank bool) { p.line(indent, blank, n.text) }

// line writes one line. Its blank line above is left out where it would become
// a part of the text above.
func (p *printer) line(indent int, blank bool, text string) {
	if blank {
		p.blank()
	}
	if p.lead == "" {
		p.lead = strings.Repeat(" ", indent)
	}
	p.out.WriteString(p.lead + text + "\n")
	p.lead, p.full = "", false
}

func (p *printer) blank() {
	if !p.full && p.lead == "" && p.out.Len() > 0 {
		p.out.WriteString("\n")
	}
}
