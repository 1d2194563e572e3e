package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"heed/engine/people"
	"heed/internal/plain"
)

// readPeople reads a sheet of people, as heed people import takes one, to try
// rules with.
func readPeople(s streams, path string) (*people.Directory, error) {
	directory := people.New()
	if path == "" {
		return directory, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, usage("people cannot be read: %v", err)
	}
	defer f.Close()
	sheet, err := people.ReadSheet(f)
	if err != nil {
		return nil, usage("people cannot be read from %s: %v", path, err)
	}
	if len(sheet.Problems) > 0 {
		return nil, usage("people cannot be read from %s: %s", path, sheet.Problems[0])
	}
	if len(sheet.Ignored) > 0 {
		fmt.Fprintf(s.err, "%s: ignored columns: %s\n", path, plain.Line(strings.Join(sheet.Ignored, ", ")))
	}
	if unmatched := directory.Plan(sheet.Records).Unmatched; len(unmatched) > 0 {
		return nil, usage("people cannot be read from %s: line %d has no userId, by which a dry run knows people", path,
			unmatched[0].Line)
	}
	directory.Import(sheet.Records, time.Now())
	return directory, nil
}
