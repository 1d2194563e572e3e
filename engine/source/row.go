package source

import (
	"slices"

	"heed/engine/expression"
)

// A Row is a row of a table, as expressions see it. An empty cell is missing.
type Row struct {
	Columns, Cells []string
}

// Cell implements expression.Record.
func (r Row) Cell(name string) any {
	if i := slices.Index(r.Columns, name); i >= 0 && i < len(r.Cells) && r.Cells[i] != "" {
		return r.Cells[i]
	}
	return nil
}

// Names implements expression.Record.
func (r Row) Names() []string { return r.Columns }

var _ expression.Record = Row{}
