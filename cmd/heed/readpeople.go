package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"heed/engine/event"
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
	now := time.Now()
	for _, r := range sheet.Records {
		data := map[string]any{"userId": r.ID}
		for name, text := range map[string]string{"email": r.Email, "role": r.Role, "teamId": r.Team} {
			if text != "" {
				data[name] = text
			}
		}
		directory.Learn(&event.Event{Type: "user.provisioned", Data: data}, now)
		if r.KnowsActive && !r.Active {
			directory.Learn(&event.Event{Type: "user.deprovisioned", Data: map[string]any{"userId": r.ID}}, now.Add(time.Millisecond))
		}
	}
	return directory, nil
}
