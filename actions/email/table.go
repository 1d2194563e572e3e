package email

import (
	"html"
	"strings"

	"heed/actions"
	"heed/engine/expression"
)

// addTable puts the table below the message: aligned in the text, and in HTML.
func (s *step) addTable(r *Request, env *expression.Env) {
	if s.table == nil {
		return
	}
	if s.html == nil {
		r.HTML = "<p>" + strings.ReplaceAll(html.EscapeString(strings.TrimSpace(r.Text)), "\n", "<br>\n") + "</p>\n"
	}
	table := tableHTML(s.table, env)
	if end := strings.LastIndex(strings.ToLower(r.HTML), "</body>"); end >= 0 {
		r.HTML = r.HTML[:end] + table + r.HTML[end:]
	} else {
		r.HTML += table
	}
	if s.text != nil {
		r.Text = strings.TrimRight(r.Text, "\n") + "\n\n" + s.table.Text(env, expression.Plain)
	}
}

// Mail programs do not read style sheets, so each cell has its style.
const (
	cellStyle  = ` style="border:1px solid #ccc;padding:4px 8px;text-align:left"`
	tableStyle = ` style="border-collapse:collapse"`
)

func tableHTML(t *actions.Table, env *expression.Env) string {
	var b strings.Builder
	row := func(tag string, cells []string) {
		b.WriteString("<tr>")
		for _, cell := range cells {
			b.WriteString("<" + tag + cellStyle + ">" + html.EscapeString(cell) + "</" + tag + ">")
		}
		b.WriteString("</tr>\n")
	}
	rows, more := t.Cells(env)
	b.WriteString("<table" + tableStyle + ">\n")
	row("th", t.Titles())
	for _, cells := range rows {
		row("td", cells)
	}
	b.WriteString("</table>\n")
	if note := actions.AndMore(more); note != "" {
		b.WriteString("<p>" + note + "</p>\n")
	}
	return b.String()
}
