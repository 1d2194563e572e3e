package main

import (
	"encoding/csv"
	"io"
	"regexp"

	"heed/internal/plain"
)

// printCSV writes a table for spreadsheets. A cell that a spreadsheet would take
// for a formula gets an apostrophe in front: most are from events, and who sends
// those must not be able to run anything.
func printCSV(w io.Writer, rows [][]string) error {
	out := csv.NewWriter(w)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = defused(cell)
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// formulas are the starts of formulas, in full width too: at the start of a cell
// or of what is a cell for a spreadsheet that takes another separator.
var formulas = regexp.MustCompile("(^|[;\t]\\s*\"?)([=+\\-@＝＋－＠\t\r])")

func defused(cell string) string { return formulas.ReplaceAllString(plain.Text(cell), "$1'$2") }
