package main

import (
	"encoding/csv"
	"io"

	"heed/internal/plain"
)

// printCSV writes a table for spreadsheets.
func printCSV(w io.Writer, rows [][]string) error {
	out := csv.NewWriter(w)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = plain.Cell(cell)
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
