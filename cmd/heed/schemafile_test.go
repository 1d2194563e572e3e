package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// The first line of the example leads editors to a schema, which must be there
// in a fresh clone and be the one that heed prints. -update rewrites it.
func TestSchemaFile_isWhatHeedPrints(t *testing.T) {
	const example = "../../rules.example.yaml"
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`^# yaml-language-server: \$schema=(\S+)\n`).FindSubmatch(text)
	if named == nil {
		t.Fatal("the example's first line names no schema")
	}
	file := filepath.Join(filepath.Dir(example), string(named[1]))
	_, printed := printedSchema(t)
	if *update {
		if err := os.WriteFile(file, printed, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != string(printed) {
		t.Errorf("%s is not what heed schema prints; -update rewrites it", file)
	}
}
