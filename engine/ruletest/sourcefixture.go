package ruletest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"heed/engine/event"
	"heed/engine/source"
	"heed/engine/table"
)

// Mapped is what a source makes of a part of a file, to try rules with.
type Mapped struct {
	// File is the name of the file and, for a row, its line.
	File string
	source.Made
}

// Fixture returns the event as a fixture. usable is false if the event cannot be used.
func (m *Mapped) Fixture(from string) (f Fixture, usable bool) {
	return Fixture{File: m.File, Source: from, ID: m.ID, Body: m.Made.Body}, m.Reason == ""
}

// ReadMapped reads files as a source does: tables, or requests. A request is a body
// alone, or {"headers": {…}, "query": {…}, "body": …}.
func ReadMapped(s *source.Source, paths []string, stdin io.Reader) (mapped []Mapped, err error) {
	for _, path := range paths {
		text, err := readFixture(path, stdin)
		if err != nil {
			return nil, err
		}
		if s.Rows() {
			rows, err := mappedRows(s, path, text)
			if err != nil {
				return nil, err
			}
			mapped = append(mapped, rows...)
			continue
		}
		for _, made := range mappedRequest(s, text) {
			mapped = append(mapped, Mapped{path, made})
		}
	}
	return mapped, nil
}

func readFixture(path string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxFixture+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(text) > maxFixture {
		return nil, fmt.Errorf("%s has more than %d MiB: heed ingest --dry-run reads files of any size", path,
			maxFixture>>20)
	}
	return text, nil
}

func mappedRequest(s *source.Source, text []byte) []source.Made {
	body, headers, query := text, map[string]string{}, map[string]string{}
	var whole struct {
		Headers, Query map[string]string
		Body           json.RawMessage
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&whole) == nil && whole.Body != nil {
		body, query = whole.Body, whole.Query
		for name, value := range whole.Headers {
			headers[strings.ToLower(name)] = value
		}
	}
	if s.Mapping == nil {
		return []source.Made{published(body)}
	}
	return s.Mapping.Request(body, headers, query)
}

func mappedRows(s *source.Source, path string, text []byte) (mapped []Mapped, err error) {
	rows := table.NewReader(bytes.NewReader(text), table.FormatOf(path))
	columns, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for {
		row, err := rows.Next()
		var fault *table.Fault
		switch {
		case errors.Is(err, io.EOF):
			return mapped, nil
		case errors.As(err, &fault) && !fault.Fatal:
			made := source.Made{Reason: "unreadable", Detail: fault.Message}
			mapped = append(mapped, Mapped{fmt.Sprintf("%s:%d", path, fault.Line), made})
			continue
		case err != nil:
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		var value any = source.Row{Columns: columns, Cells: row.Cells}
		if row.Raw != nil {
			if value, err = event.DecodeJSON(row.Raw); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, row.Line, err)
			}
		}
		mapped = append(mapped, Mapped{fmt.Sprintf("%s:%d", path, row.Line), s.Mapping.Row(value)})
	}
}
