package people

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"heed/engine/suggest"
	"heed/engine/table"
)

// A Sheet is a table of people as exported from a spreadsheet.
type Sheet struct {
	Records []Record
	// Problems are all mistakes, in line order. If there are any, nothing should be
	// imported.
	Problems []SheetProblem
	// Ignored lists the names of columns that have no meaning here.
	Ignored []string

	more int // problems beyond maxSheetProblems
}

// maxSheetProblems limits the problems of one sheet.
const maxSheetProblems = 1000

// A Record is one line of a sheet. Empty fields say nothing.
type Record struct {
	Line int
	// ID is empty if the sheet identifies the person by e-mail address only.
	ID                               string
	Email, Role, Team, Name, Manager string
	// Active is meaningful only if KnowsActive.
	Active, KnowsActive bool
}

// A SheetProblem is a mistake in a line of a sheet, and what to do.
type SheetProblem struct {
	Line    int    `json:"line"`
	Message string `json:"message"`
}

func (p SheetProblem) String() string { return fmt.Sprintf("line %d: %s", p.Line, p.Message) }

// A column is the meaning of a column of a sheet.
type column int

const (
	colIgnored column = iota
	colID
	colEmail
	colRole
	colTeam
	colName
	colFirst
	colLast
	colManager
	colActive
)

// columns maps header names, in lower case and stripped to letters and digits, to their
// meaning: "User ID" and "user_id" are "userid".
var columns = map[string]column{
	"userid": colID, "user": colID, "id": colID,
	"email": colEmail, "emailaddress": colEmail, "mail": colEmail,
	"role":   colRole,
	"teamid": colTeam, "team": colTeam,
	"name": colName, "fullname": colName, "displayname": colName,
	"firstname": colFirst, "givenname": colFirst,
	"lastname": colLast, "surname": colLast, "familyname": colLast,
	"manager": colManager, "managerid": colManager, "manageremail": colManager, "managermail": colManager,
	"active": colActive, "isactive": colActive, "status": colActive,
}

var columnNames = map[column]string{
	colID: "userId", colEmail: "email", colRole: "role", colTeam: "teamId",
	colName: "name", colFirst: "firstName", colLast: "lastName", colManager: "manager", colActive: "active",
}

// ReadSheet reads a table of people. The error is one of reading; mistakes in the text
// are recorded in the Sheet.
func ReadSheet(r io.Reader) (*Sheet, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	s := &Sheet{}
	t, faults := table.Read(text)
	for _, f := range faults {
		s.problem(f.Line, "%s; %s", f.Message, f.Hint)
	}
	if t == nil {
		return s, nil
	}
	if header := s.header(t.Line, t.Columns); header != nil {
		for _, row := range t.Rows {
			s.record(row.Line, header, row.Cells)
		}
	}
	s.findTwice()
	if s.more > 0 {
		last := s.Problems[len(s.Problems)-1].Line
		s.Problems = append(s.Problems,
			SheetProblem{last, fmt.Sprintf("there are %d more mistakes; correct these first", s.more)})
	}
	return s, nil
}

func (s *Sheet) problem(line int, format string, args ...any) {
	if len(s.Problems) >= maxSheetProblems {
		s.more++
		return
	}
	s.Problems = append(s.Problems, SheetProblem{line, fmt.Sprintf(format, args...)})
}

// header determines what the columns mean. It returns nil if the header cannot be used.
func (s *Sheet) header(line int, cells []string) []column {
	header := make([]column, len(cells))
	for i, cell := range cells {
		header[i] = columns[plain(cell)]
		switch {
		case header[i] == colIgnored && cell != "":
			s.Ignored = append(s.Ignored, cell)
		case header[i] != colIgnored && slices.Contains(header[:i], header[i]):
			s.problem(line, "the column %q says once more what %s is; leave one of them out", cell,
				columnNames[header[i]])
			return nil
		}
	}
	if !slices.Contains(header, colID) && !slices.Contains(header, colEmail) {
		s.Ignored = nil // perhaps they are not names
		s.problem(line, "no column is named userId or email; the first line names the columns:"+
			" userId or email, and any of name, role, teamId, manager, active")
		return nil
	}
	for _, name := range s.Ignored {
		meant := columns[suggest.Closest(plain(name), slices.Sorted(maps.Keys(columns)))]
		if meant != colIgnored && !slices.Contains(header, meant) {
			s.problem(line,
				"the column %q means nothing here; if it says what %s is, call it so, else rename it or leave it out",
				name, columnNames[meant])
		}
	}
	return header
}

// plain reduces a name to lower-case letters and digits.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

func (s *Sheet) record(line int, header []column, cells []string) {
	before := len(s.Problems) + s.more
	r := Record{Line: line}
	for i, cell := range cells {
		s.cell(&r, header[i], strings.Clone(cell)) // cloned, or one cell would keep its whole line in memory
	}
	if r.ID == "" && r.Email == "" && len(s.Problems)+s.more == before {
		s.problem(line, "it has no userId and no e-mail address")
	}
	if len(s.Problems)+s.more == before {
		s.Records = append(s.Records, r)
	}
}

func (s *Sheet) cell(r *Record, c column, cell string) {
	if len(cell) > 1 && cell[0] == '\'' && strings.IndexByte("=+-@", cell[1]) >= 0 {
		cell = cell[1:] // heed writes it so that no spreadsheet takes the cell for a formula
	}
	most := MaxText
	if c == colID || c == colTeam {
		most = MaxID
	}
	if c != colIgnored && len(cell) > most {
		s.problem(r.Line, "its %s has %d bytes; at most %d are kept", columnNames[c], len(cell), most)
		return
	}
	if name, found := table.Invisible(cell); found && c != colIgnored {
		s.problem(r.Line, "its %s holds the invisible character %s; enter it again", columnNames[c], name)
		return
	}
	switch c {
	case colID:
		if table.IsRounded(cell) {
			s.problem(r.Line,
				"the spreadsheet has rounded the userId to %s; format the column as text and enter the ids again", cell)
			return
		}
		r.ID = cell
	case colEmail:
		if cell == "" {
			return
		}
		address, ok := addressIn(cell)
		if !ok {
			s.problem(r.Line, "%q is not an e-mail address; correct it or leave it empty", cut(cell))
			return
		}
		r.Email = address
	case colRole:
		r.Role = cell
	case colTeam:
		r.Team = cell
	case colName:
		r.Name = cell
	case colFirst, colLast: // joined in the order of the columns
		r.Name = strings.TrimSpace(r.Name + " " + cell)
	case colManager:
		r.Manager = managerIn(cell)
	case colActive:
		if cell == "" {
			return
		}
		active, ok := truth[strings.ToLower(cell)]
		if !ok {
			s.problem(r.Line, "active is %q; write true or false, or leave it empty", cut(cell))
			return
		}
		r.Active, r.KnowsActive = active, true
	}
}

// truth maps words to whether a person is active.
var truth = map[string]bool{
	"true": true, "yes": true, "y": true, "1": true, "active": true,
	"false": false, "no": false, "n": false, "0": false, "inactive": false,
}

// cut shortens a text that a message quotes.
func cut(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:59]) + "…"
	}
	return text
}

// findTwice finds people with several lines.
func (s *Sheet) findTwice() {
	lines := make(map[string]int, len(s.Records))
	s.Records = slices.DeleteFunc(s.Records, func(r Record) bool {
		id := cmp.Or(r.ID, "by the address "+mailbox(r.Email))
		first, twice := lines[id]
		if twice {
			s.problem(r.Line, "%s has line %d already; leave one of the two out", cut(cmp.Or(r.ID, r.Email)), first)
			return true
		}
		lines[id] = r.Line
		return false
	})
	slices.SortStableFunc(s.Problems, func(a, b SheetProblem) int { return a.Line - b.Line })
}
