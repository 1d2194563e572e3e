package document

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
)

// A Severity says whether a problem keeps a file from being used.
type Severity string

// An Error keeps the file from being used, a Warning does not.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// A Problem is one mistake in a rule file, and its position. Line and Col count from 1,
// Col in characters.
type Problem struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Col      int      `json:"col"`
	Severity Severity `json:"severity"`
	Code     string   `json:"code"`
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"`

	text  string // the line, for the caret; only the surroundings if the line is long
	from  int    // where in the line text begins, in characters
	width int    // of what is wrong, in characters
}

// Width returns the number of wrong characters on the problem's line; at least one.
func (p *Problem) Width() int { return max(p.width, 1) }

// String returns the problem's first line: file:line:col: severity: message [code].
func (p *Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s [%s]", p.File, p.Line, p.Col, p.Severity, p.Message, p.Code)
}

// Suggest sets the hint, which says what to write instead. An empty hint is no hint.
func (p *Problem) Suggest(format string, args ...any) {
	p.Hint = visible(fmt.Sprintf(format, args...))
}

// A Report collects all problems of one load. The zero Report is ready to use.
type Report struct {
	// Seen, if not nil, is called for every object once all its keys were taken. Tests
	// use it to check other descriptions of the keys.
	Seen func(*Fields)
	// Recorded means that the text was in use once, so that it must stay readable: what
	// earlier versions of heed accepted is then a warning.
	Recorded bool

	problems []*Problem
	dropped  int // beyond maxProblems
	failed   bool
}

// maxProblems limits the problems of one load. More would help nobody, and each costs
// memory.
const maxProblems = 2000

// Errorf adds an error at a place.
func (r *Report) Errorf(at Place, code, format string, args ...any) *Problem {
	return r.add(at, Error, code, format, args)
}

// Warnf adds a warning at a place.
func (r *Report) Warnf(at Place, code, format string, args ...any) *Problem {
	return r.add(at, Warning, code, format, args)
}

// LaterErrorf adds an error that earlier versions of heed did not report.
func (r *Report) LaterErrorf(at Place, code, format string, args ...any) *Problem {
	if r.Recorded {
		return r.add(at, Warning, code, format, args)
	}
	return r.add(at, Error, code, format, args)
}

func (r *Report) add(at Place, severity Severity, code, format string, args []any) *Problem {
	r.failed = r.failed || severity == Error
	if len(r.problems) >= maxProblems {
		r.dropped++
		return &Problem{}
	}
	p := &Problem{
		Line: max(at.Line, 1), Col: max(at.Col, 1), Severity: severity, Code: code,
		Message: visible(fmt.Sprintf(format, args...)), width: max(at.Width, 1),
	}
	if at.File != nil {
		p.File = at.File.Name
		p.text, p.from = at.File.around(p.Line, p.Col)
	}
	r.problems = append(r.problems, p)
	return p
}

// visible replaces in a text whatever could control a terminal or change the reading
// direction, since names in rule files come from other people.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return '·'
		}
		return r
	}, text)
}

// Failed reports whether there is an error among the problems.
func (r *Report) Failed() bool { return r.failed }

// Problems returns all problems, ordered by position.
func (r *Report) Problems() []Problem {
	sorted := make([]Problem, 0, len(r.problems))
	for _, p := range r.problems {
		sorted = append(sorted, *p)
	}
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	if r.dropped > 0 { // in addition to the last one shown
		last, severity := sorted[len(sorted)-1], Warning
		if r.failed {
			severity = Error
		}
		sorted = append(sorted, Problem{
			File: last.File, Line: last.Line, Col: last.Col, Severity: severity, Code: "too-many-problems",
			Message: fmt.Sprintf("there are %d problems more", r.dropped), Hint: "fix these first, then check again",
		})
	}
	return sorted
}

// Paint colours what Print writes; the zero Paint leaves it plain.
type Paint struct{ Error, Warning, Place, Hint, Reset string }

// Print writes a problem for people: the first line, the line of the file with a caret
// below what is wrong, and the hint.
func (p *Problem) Print(w io.Writer, paint Paint) {
	color := paint.Error
	if p.Severity == Warning {
		color = paint.Warning
	}
	fmt.Fprintf(w, "%s%s:%d:%d:%s %s%s:%s %s [%s]\n", paint.Place, p.File, p.Line, p.Col, paint.Reset,
		color, p.Severity, paint.Reset, p.Message, p.Code)
	if strings.TrimSpace(p.text) != "" {
		line, caret := window([]rune(p.text), p.Col-p.from, p.width)
		number := fmt.Sprint(p.Line)
		fmt.Fprintf(w, "  %s | %s\n", number, line)
		fmt.Fprintf(w, "  %s | %s%s%s\n", strings.Repeat(" ", len(number)), color, caret, paint.Reset)
	}
	if p.Hint != "" {
		fmt.Fprintf(w, "  %shint: %s%s\n", paint.Hint, p.Hint, paint.Reset)
	}
}

// window cuts a long line around the position and draws the caret below it. Tabs become
// spaces and other control characters dots, so that the caret is in the right column and
// a file cannot control the terminal.
func window(line []rune, col, width int) (string, string) {
	const most = 110
	start := 0
	if len(line) > most && col > most*2/3 {
		start = min(col-most/2, len(line)-most)
	}
	end := min(len(line), start+most)
	shown := make([]rune, 0, most)
	for _, r := range line[start:end] {
		switch {
		case r == '\t':
			r = ' '
		}
		shown = append(shown, r)
	}
	at := max(0, col-1-start)
	return visible(string(shown)), strings.Repeat(" ", at) + strings.Repeat("^", max(1, min(width, len(shown)-at)))
}

// Tally counts problems by their severity.
func Tally(problems []Problem) (errors, warnings int) {
	errors = len(OnlyErrors(problems))
	return errors, len(problems) - errors
}

// OnlyErrors returns the problems without the warnings.
func OnlyErrors(problems []Problem) []Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return p.Severity != Error })
}

// Summary returns a text such as "2 errors, 1 warning", or "" if there are no problems.
func Summary(problems []Problem) string {
	errors, warnings := Tally(problems)
	var parts []string
	add := func(n int, what string) {
		switch {
		case n == 1:
			parts = append(parts, "1 "+what)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, what))
		}
	}
	add(errors, "error")
	add(warnings, "warning")
	return strings.Join(parts, ", ")
}
