// Package ingest reads files of rows into the intake: it splits a file into rows, passes
// them on in groups, and counts the results. The caller decides where files come from.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"heed/engine/event"
	"heed/engine/intake"
	"heed/engine/source"
	"heed/engine/suggest"
	"heed/engine/table"
)

// An Intake accepts rows. The intake of engine/intake implements it.
type Intake interface {
	// AcceptRows returns the result for each row, once it is durable.
	AcceptRows(ctx context.Context, s *source.Source, rows []intake.Row) ([]intake.Answer, error)
}

// A Result is what became of a file.
type Result struct {
	Source string `json:"source"`
	File   string `json:"file"`
	Rows   int    `json:"rows"`
	// New rows are now events. Known ones were seen before. Unusable ones are
	// quarantined, or could not be read at all. Inert ones are new, but too old to
	// trigger anything.
	New      int `json:"new"`
	Known    int `json:"known"`
	Unusable int `json:"unusable"`
	Inert    int `json:"inert"`
	// Alerts counts the deliveries that resulted at once.
	Alerts int `json:"alerts"`
	// Problems are the first problems found, each with its line.
	Problems []Problem `json:"problems"`
	// Broken reports that the file could not be read to its end.
	Broken bool `json:"broken,omitempty"`
}

// A Problem is a problem of a file, or of one of its rows.
type Problem struct {
	Line    int    `json:"line"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// maxProblems is how many problems are reported.
const maxProblems = 100

// groupSize is how many rows are stored together.
const groupSize = 500

// Read reads a file of rows of a source. name is the file's name, for messages. Rows
// stored before an error stay stored: the file can be read again, and those rows are then
// known.
func Read(ctx context.Context, in Intake, s *source.Source, name string, file io.Reader) (Result, error) {
	r := &reader{
		source: s, file: filepath.Base(name), rows: table.NewReader(file, table.FormatOf(name)),
		result: Result{Source: s.Name, File: name, Problems: []Problem{}},
	}
	if !r.checkColumns() {
		return r.result, r.err
	}
	groups := make(chan []intake.Row, 1)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		defer close(groups)
		for ctx.Err() == nil { // select chooses either way if both are ready
			group := r.group()
			if len(group) == 0 {
				return
			}
			select {
			case groups <- group:
			case <-ctx.Done():
				return
			}
		}
	}()
	for group := range groups {
		answers, err := in.AcceptRows(ctx, s, group)
		if err != nil {
			stop(err)
			for range groups { // drain until the reader has ended
			}
			r.finish()
			return r.result, fmt.Errorf("store the rows of %s: %w", name, err)
		}
		for i := range answers {
			r.count(&answers[i], group[i].Line)
		}
	}
	r.finish()
	if r.err == nil {
		r.err = context.Cause(ctx)
	}
	return r.result, r.err
}

// reader reads one file.
type reader struct {
	source *source.Source
	file   string
	rows   *table.Reader
	result Result
	// faults are the problems found by reading. They belong to the reading goroutine
	// until it has ended.
	faults []Problem
	unread int
	broken bool
	err    error
}

// checkColumns checks that the file has the columns that the source reads. If a report's
// columns have changed since yesterday, none of it is stored.
func (r *reader) checkColumns() bool {
	columns, err := r.rows.Columns()
	if err != nil {
		r.fail(err)
		r.finish()
		return false
	}
	if columns == nil { // JSON lines
		return true
	}
	for _, wanted := range r.source.Mapping.Columns {
		if !slices.Contains(columns, wanted) {
			r.result.Broken = true
			message := fmt.Sprintf("there is no column %s, which the source %s reads", wanted, r.source.Name)
			problem := Problem{Line: 1, Message: message}
			if meant := suggest.Closest(wanted, columns); meant != "" {
				problem.Hint = fmt.Sprintf("is it %s? then write row[%q] in %s", meant, meant, r.source.Place)
			} else {
				problem.Hint = "the columns are " + strings.Join(columns, ", ")
			}
			r.result.Problems = append(r.result.Problems, problem)
		}
	}
	return !r.result.Broken
}

// group reads the next rows; it returns none at the end.
func (r *reader) group() (rows []intake.Row) {
	columns, _ := r.rows.Columns()
	for len(rows) < groupSize {
		row, err := r.rows.Next()
		if err != nil {
			if r.fail(err) {
				return rows
			}
			continue
		}
		value, problem := valueOf(&row, columns)
		if problem != "" {
			r.unread++
			r.note(Problem{Line: row.Line, Message: problem})
			continue
		}
		rows = append(rows, intake.Row{File: r.file, Line: row.Line, Value: value})
	}
	return rows
}

func valueOf(row *table.Row, columns []string) (value any, problem string) {
	if row.Raw == nil {
		return source.Row{Columns: columns, Cells: row.Cells}, ""
	}
	value, err := event.DecodeJSON(row.Raw)
	if err != nil {
		return nil, strings.Replace(err.Error(), "the body", "the line", 1)
	}
	return value, ""
}

// fail records an error of reading, and reports whether it ends the file.
func (r *reader) fail(err error) (end bool) {
	var fault *table.Fault
	switch {
	case errors.Is(err, io.EOF):
		return true
	case errors.As(err, &fault):
		r.note(Problem{Line: fault.Line, Message: fault.Message, Hint: fault.Hint})
		if r.broken = fault.Fatal; !fault.Fatal {
			r.unread++
		}
		return fault.Fatal
	default:
		r.broken, r.err = true, fmt.Errorf("read %s: %w", r.file, err)
		return true
	}
}

func (r *reader) note(p Problem) {
	if len(r.faults) < maxProblems {
		r.faults = append(r.faults, p)
	}
}

func (r *reader) count(a *intake.Answer, line int) {
	r.result.Rows++
	r.result.Alerts += a.Deliveries
	switch {
	case a.Duplicate && a.Quarantined == "":
		r.result.Known++
	case a.Quarantined != "":
		r.result.Unusable++
		if len(r.result.Problems) < maxProblems {
			message := a.Quarantined
			if a.Detail != "" {
				message = strings.TrimPrefix(a.Detail, fmt.Sprintf("%s:%d: ", r.file, line))
			}
			r.result.Problems = append(r.result.Problems, Problem{Line: line, Message: message})
		}
	default:
		r.result.New++
		if a.Inert {
			r.result.Inert++
		}
	}
}

// finish adds the problems found by reading.
func (r *reader) finish() {
	r.result.Rows += r.unread
	r.result.Unusable += r.unread
	r.result.Broken = r.result.Broken || r.broken
	r.result.Problems = append(r.result.Problems, r.faults...)
	slices.SortStableFunc(r.result.Problems, func(a, b Problem) int { return a.Line - b.Line })
	r.result.Problems = r.result.Problems[:min(len(r.result.Problems), maxProblems)]
}
