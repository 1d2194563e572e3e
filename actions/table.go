package actions

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"heed/engine/expression"
	"heed/engine/schema"
)

// Table is a table with a row for each item of a digest, a count or a summary.
type Table struct {
	titles []string
	values []*expression.Value
}

// Table takes the parameter table: titles, each with an expression on one item;
// nil if it is absent.
func (p *Params) Table() *Table {
	node := p.Take("table")
	if node == nil {
		return nil
	}
	scope := p.Scope.Row()
	if scope == nil {
		p.Report().Errorf(node.Place(), "table-without-items",
			"a table has a row for each of several events, and %s is about one", p.What()).
			Suggest("give the rule a digest or a count, or show the fields in text")
		return nil
	}
	t := &Table{}
	for _, pair := range p.entries("table", node) {
		t.titles = append(t.titles, pair.Key.Text())
		t.values = append(t.values, CompileValue(p.Report(), pair.Value, scope))
	}
	if len(t.titles) == 0 {
		p.Report().Errorf(node.Place(), "wrong-type", "table of %s must be an object of titles and expressions, not %s",
			p.What(), node.Describe()).
			Suggest("write table: {Rep: data.userId, Score: data.score}")
	}
	return t
}

// DescribeTable describes the parameter table.
func DescribeTable() *schema.Value {
	return schema.Map("a table with a row for each item of a digest or a count: titles, each with an expression on "+
		"one item",
		schema.Scalar("an expression", "data.userId"))
}

// missing stands in a cell that has no value.
const missing = "–"

// Cells returns the rows of the table, and how many items more have none.
func (t *Table) Cells(env *expression.Env) (rows [][]string, more int) {
	for _, item := range env.Rows() {
		row := make([]string, len(t.values))
		for i, value := range t.values {
			row[i] = missing
			if text, unknown := value.Show(item); unknown == nil {
				row[i] = strings.Join(strings.Fields(text), " ")
			}
		}
		rows = append(rows, row)
	}
	return rows, env.More()
}

// Titles returns the titles of the columns.
func (t *Table) Titles() []string { return t.titles }

// AndMore says how many items have no row; empty if all have.
func AndMore(more int) string {
	if more <= 0 {
		return ""
	}
	return fmt.Sprintf("and %d more", more)
}

// Text returns the table as text with aligned columns. Each cell is escaped.
func (t *Table) Text(env *expression.Env, escape func(string) string) string {
	rows, more := t.Cells(env)
	rows = append([][]string{t.titles}, rows...)
	widths := make([]int, len(t.titles))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var text strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(escape(cell))
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	if note := AndMore(more); note != "" {
		text.WriteString(note + "\n")
	}
	return text.String()
}
