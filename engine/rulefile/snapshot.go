// Package rulefile turns rule files into a rule set. It reads the files, checks
// everything that can be known before an event arrives, compiles them, and keeps the
// active set up to date as the files change. Each kind of action checks its own settings;
// the rule file calls it through package actions.
package rulefile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"heed/engine/document"
)

// A File is one rule file as it was read.
type File struct {
	// Name is the path as it appears in messages.
	Name string
	Text []byte
}

// A Snapshot is the contents of a rules path at one moment.
type Snapshot struct {
	Files []File
	// Tables are the files named by the rule files' lookups.
	Tables []Table
	// Detached reports that the tables are not available, as with recorded rules. Lookups
	// then find nothing, and columns are not checked.
	Detached bool
	// Hash identifies the contents: SHA-256 over names and texts, in hex.
	Hash string
}

// maxFiles and maxTotal limit a directory.
const (
	maxFiles = 1000
	maxTotal = 16 << 20
)

// An UnreadableError says why a rules path cannot be read.
type UnreadableError struct{ err error }

// Error returns the reason and what to do about it.
func (e *UnreadableError) Error() string { return e.err.Error() }

// Unwrap returns the error of the file system, if that is the cause.
func (e *UnreadableError) Unwrap() error { return e.err }

// Read reads a rules path: one file, or a directory whose *.yaml and *.yml files belong
// together. Files that end in _test.yaml hold tests of the rules in the same directory;
// rules_test.yaml belongs to rules.yaml. The error is an *UnreadableError.
func Read(path string) (Snapshot, error) {
	s, err := read(path)
	if err != nil {
		return Snapshot{}, &UnreadableError{err}
	}
	return s, nil
}

func read(path string) (Snapshot, error) {
	names, err := list(path)
	if err != nil {
		return Snapshot{}, err
	}
	switch isFile := len(names) == 1 && names[0] == path; {
	case isFile && IsTestFile(path):
		return Snapshot{}, fmt.Errorf("%s holds tests: name the file or the directory of the rules that it tests", path)
	case isFile:
		names = withTests(path)
	case !slices.ContainsFunc(names, func(name string) bool { return !IsTestFile(name) }):
		return Snapshot{}, fmt.Errorf("the directory %s holds no rule files: they end in .yaml or .yml", path)
	}
	files, err := readFiles(names)
	if err != nil {
		return Snapshot{}, err
	}
	return NewSnapshot(files), nil
}

// ReadEach reads the files of a path for callers that process each on its own: the file
// itself, whatever it holds, or all rule files and test files of a directory.
func ReadEach(path string) ([]File, error) {
	names, err := list(path)
	if err != nil {
		return nil, err
	}
	return readFiles(names)
}

// list returns the names of the files of a path.
func list(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there are no rules at %s: create the file, or name another", path)
	case err != nil:
		return nil, fmt.Errorf("read rules: %w", err)
	case !info.IsDir():
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	var names []string
	for _, entry := range entries {
		if isRuleFile(entry.Name()) {
			names = append(names, filepath.Join(path, entry.Name()))
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("the directory %s holds no rule files: they end in .yaml or .yml", path)
	}
	if len(names) > maxFiles {
		return nil, fmt.Errorf("the directory %s holds %d rule files, more than %d", path, len(names), maxFiles)
	}
	return names, nil
}

func isRuleFile(name string) bool {
	ext := filepath.Ext(name)
	return (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(name, ".")
}

// IsTestFile reports whether the name is that of a file which holds only tests.
func IsTestFile(name string) bool {
	return strings.HasSuffix(strings.TrimSuffix(name, filepath.Ext(name)), "_test")
}

// withTests returns a rule file and, if it exists, its test file.
func withTests(path string) []string {
	tests := TestFileOf(path)
	if info, err := os.Stat(tests); err != nil || !info.Mode().IsRegular() {
		return []string{path}
	}
	return []string{path, tests}
}

// TestFileOf returns the name of the test file of a rule file: rules_test.yaml for
// rules.yaml.
func TestFileOf(path string) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "_test" + ext
}

func readFiles(names []string) ([]File, error) {
	var files []File
	total := 0
	for _, name := range names {
		text, err := readBounded(name)
		if err != nil {
			return nil, err
		}
		if total += len(text); total > maxTotal {
			return nil, fmt.Errorf("the rule files have more than %d MiB together", maxTotal>>20)
		}
		files = append(files, File{name, text})
	}
	return files, nil
}

// readBounded reads a file, stopping soon after the largest size a rule file may have.
func readBounded(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read rules: %s is not a regular file", name)
	}
	if info.Size() > 4*document.MaxBytes {
		return nil, fmt.Errorf("read rules: %s has %d bytes, more than %d", name, info.Size(), document.MaxBytes)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	return text, nil
}

// NewSnapshot returns a snapshot of files already in memory, and reads the tables they
// name.
func NewSnapshot(files []File) Snapshot {
	tables := readTables(files)
	hash := sha256.New()
	add := func(f File) {
		fmt.Fprintf(hash, "%s\x00%d\x00", filepath.Base(f.Name), len(f.Text))
		hash.Write(f.Text)
	}
	for _, f := range files {
		add(f)
	}
	for _, t := range tables {
		add(t.File)
		if t.Err != nil {
			fmt.Fprintf(hash, "%v", t.Err)
		}
	}
	return Snapshot{Files: files, Tables: tables, Hash: hex.EncodeToString(hash.Sum(nil))}
}

// RecordedSnapshot returns a snapshot of rule files that were once active, without the
// tables of that time.
func RecordedSnapshot(files []File, hash string) Snapshot {
	return Snapshot{Files: files, Detached: true, Hash: hash}
}
