package rulefile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"heed/engine/document"
	"heed/engine/expression"
	"heed/engine/suggest"
	"heed/engine/table"
)

// A Table is a file named by a lookup, as read, or the reason it could not be read.
type Table struct {
	File
	Err error
}

// readTables reads the tables named by the lookups of rule files.
func readTables(files []File) []Table {
	var tables []Table
	for _, f := range files {
		for _, path := range tablePaths(f) {
			if !slices.ContainsFunc(tables, func(t Table) bool { return t.Name == path }) {
				text, err := readTable(path)
				tables = append(tables, Table{File{path, text}, err})
			}
		}
	}
	return tables
}

var errNoTable = errors.New("its name is not that of a table")

// tableEnds are the extensions of tables. Other files are not read: a problem in a table
// is shown with its lines, possibly to people who may not read secrets.
var tableEnds = []string{".csv", ".tsv", ".txt"}

func readTable(path string) ([]byte, error) {
	if !slices.Contains(tableEnds, strings.ToLower(filepath.Ext(path))) {
		return nil, errNoTable
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such file")
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > table.MaxBytes:
		return nil, fmt.Errorf("it has %d bytes, more than %d MiB", info.Size(), table.MaxBytes>>20)
	}
	return os.ReadFile(path)
}

// tablePaths returns the files named by a rule file's lookups. It is called often, and
// most large files have no lookups, so it parses only the lookups section.
func tablePaths(f File) []string {
	part := lookupsPart(f.Text)
	if part == nil {
		return nil
	}
	root := document.Parse(f.Name, part, new(document.Report))
	if root == nil || root.Get("lookups") == nil {
		return nil // Compile reports what is wrong
	}
	var paths []string
	for _, pair := range root.Get("lookups").Pairs() {
		if file := pair.Value.Get("file"); file != nil && file.IsText() {
			paths = append(paths, tablePath(f.Name, file.Text()))
		}
	}
	return paths
}

// tablePath resolves the name of a table relative to the rule file that names it.
func tablePath(ruleFile, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(ruleFile), name)
}

// lookupsPart returns the lookups section of a rule file: the whole file if it is written
// as one object in braces, nil if it has no lookups.
func lookupsPart(text []byte) []byte {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return text
	}
	start := -1
	for at := 0; at < len(text); {
		line, _, _ := bytes.Cut(text[at:], []byte("\n"))
		switch {
		case bytes.HasPrefix(line, []byte("lookups:")):
			start = at
		case start >= 0 && len(bytes.TrimSpace(line)) > 0 && line[0] != ' ' && line[0] != '#':
			return text[start:at]
		}
		at += len(line) + 1
	}
	if start < 0 {
		return nil
	}
	return text[start:]
}

// lookups holds the tables of a rule set by name, and answers the rules' queries.
type lookups map[string]*lookup

// A lookup is one table, indexed by a key.
type lookup struct {
	columns []string
	rows    map[string][]string
	// users holds what the rows say about users, by user ID. It is nil for other tables.
	users map[string]expression.Cells
}

// Resolve implements expression.Resolver.
func (l lookups) Resolve(q expression.Query) any {
	if q.About == expression.AboutUser {
		return l.user(q.Key)
	}
	if q.About != expression.AboutLookup || l[q.Of] == nil {
		return nil
	}
	cells, ok := l[q.Of].rows[q.Key]
	if !ok {
		return nil
	}
	return &row{l[q.Of].columns, cells}
}

// A row is a row of a table. An empty cell counts as missing.
type row struct{ columns, cells []string }

// Cell implements expression.Record.
func (r *row) Cell(name string) any {
	if i := slices.Index(r.columns, name); i >= 0 && r.cells[i] != "" {
		return r.cells[i]
	}
	return nil
}

// Names implements expression.Record.
func (r *row) Names() []string { return r.columns }

// readLookups reads the tables that a rule file declares.
func (b *build) readLookups(node *document.Node) {
	if node == nil || node.IsNull() {
		return
	}
	for _, pair := range node.Fields(b.report, "lookups").Pairs() {
		name := pair.Key.Text()
		if !b.checkName(pair.Key, "a table") {
			continue
		}
		if _, twice := b.tables[name]; twice {
			b.report.Errorf(pair.Key.Place(), "duplicate-lookup", "the table %s is declared twice", name).
				Suggest("rename one of the two")
			continue
		}
		b.declared = append(b.declared, pair.Key)
		b.tables[name] = expression.Table{} // so that rules may name it even if it is broken
		if !pair.Value.IsObject() {
			problem := b.report.Errorf(pair.Value.Place(), "wrong-type",
				"the table %s must be an object with file and key, not %s", name, pair.Value.Describe())
			problem.Suggest("write %s: {file: managers.csv, key: userId}", name)
			if pair.Value.IsText() {
				problem.Suggest("write %s: {file: %s, key: userId}, with the column by which rows are found", name,
					pair.Value.Text())
			}
			continue
		}
		fields := pair.Value.Fields(b.report, "the table "+name)
		file := fields.Require("file", "write file: and the name of a CSV file beside this one")
		key := fields.Require("key", "write key: and the column by which rows are found, such as userId")
		user := fields.Take("user")
		fields.Done()
		columns := b.readUserColumns(name, user)
		if file == nil || key == nil || b.snapshot.Detached {
			continue
		}
		if !file.IsText() || !key.IsScalar() || key.IsNull() {
			b.report.Errorf(pair.Value.Place(), "wrong-type", "file and key of the table %s must be texts", name).
				Suggest("write {file: managers.csv, key: userId}")
			continue
		}
		if l := b.readLookup(name, file, key); l != nil {
			b.tellUsers(name, l, columns)
			b.lookups[name] = l
			b.tables[name] = expression.Table{Columns: l.columns, Key: key.Text(), File: filepath.Base(file.Text())}
		}
	}
}

func (b *build) readLookup(name string, file, key *document.Node) *lookup {
	path := tablePath(file.Place().File.Name, file.Text())
	i := slices.IndexFunc(b.snapshot.Tables, func(t Table) bool { return t.Name == path })
	if i < 0 {
		b.report.Errorf(file.Place(), "unreadable-table", "the table %s was not read", name).
			Suggest("write lookups: at the start of a line, and the tables below it; a dry run through the API has " +
				"the tables of the active rules only")
		return nil
	}
	read := b.snapshot.Tables[i]
	if errors.Is(read.Err, errNoTable) {
		b.report.Errorf(file.Place(), "unreadable-table", "%s is not a table by its name", file.Text()).
			Suggest("export the table as CSV; its name ends in %s", strings.Join(tableEnds, ", "))
		return nil
	}
	if read.Err != nil {
		// Where nothing is sent, the file may be missing, as a secret may: the machine on
		// which rules are written need not hold a table of people.
		complain, remedy := b.report.Warnf, "put the CSV file there, or correct the name; it is looked for beside the "+
			"rule file. heed serve does not take the rules without it"
		if b.compiler.Actions.Live {
			complain, remedy = b.report.Errorf, "put the CSV file there, or correct the name; it is looked for beside "+
				"the rule file"
		}
		complain(file.Place(), "unreadable-table", "the table %s cannot be read from %s: %v", name, path, read.Err).
			Suggest("%s", remedy)
		return nil
	}
	content, faults := table.Read(read.Text)
	csv := document.NewFile(path, read.Text)
	for _, f := range faults {
		b.report.Errorf(document.Place{File: csv, Line: f.Line}, "bad-table", "%s", f.Message).Suggest("%s", f.Hint)
	}
	if len(faults) > 0 {
		return nil
	}
	column, ok := content.Column(key.Text())
	if !ok {
		b.report.Errorf(key.Place(), "unknown-column", "the table %s has no column %s in %s", name, key.Text(),
			filepath.Base(path)).
			Suggest("%s", suggest.DidYouMean(key.Text(), content.Columns))
		b.tables[name] = expression.Table{Columns: content.Columns, File: filepath.Base(path)}
		return nil
	}
	return b.index(name, content, column, csv)
}

// index indexes the rows of a table by their keys.
func (b *build) index(name string, content *table.Table, column int, csv *document.File) *lookup {
	l := &lookup{columns: content.Columns, rows: make(map[string][]string, len(content.Rows))}
	lines := make(map[string]int, len(content.Rows))
	for _, r := range content.Rows {
		key := r.Cells[column]
		place := document.Place{File: csv, Line: r.Line}
		if key == "" {
			b.report.Warnf(place, "bad-table", "the row has no %s, so nobody finds it", content.Columns[column]).
				Suggest("write one, or delete the row")
			continue
		}
		if table.IsRounded(key) {
			b.report.Warnf(place, "bad-table", "the spreadsheet has rounded the %s to %s, so nobody finds the row",
				content.Columns[column], key).
				Suggest("format the column as text and enter the values again")
		}
		if name, found := table.Invisible(key); found {
			b.report.Warnf(place, "bad-table", "the %s holds the invisible character %s, so nobody finds the row",
				content.Columns[column], name).
				Suggest("enter the value again")
		}
		if first, twice := lines[key]; twice {
			b.report.Errorf(place, "bad-table", "%s stands in line %d too, so it is not clear which row is meant", key,
				first).
				Suggest("delete one of the two: each %s has one row in %s", content.Columns[column], name)
			continue
		}
		lines[key], l.rows[key] = r.Line, r.Cells
	}
	return l
}

// dropUnreadColumns removes the columns that no rule reads from each table. A row that is
// looked up is stored with its event and copied into saved tests, and a table may hold
// more about people than is needed there.
func (b *build) dropUnreadColumns() {
	for name, l := range b.lookups {
		var kept []int
		var columns []string
		for i, column := range l.columns {
			if b.reads(name, column) {
				kept, columns = append(kept, i), append(columns, column)
			}
		}
		for key, cells := range l.rows {
			row := make([]string, len(kept))
			for i, at := range kept {
				row[i] = cells[at]
			}
			l.rows[key] = row
		}
		l.columns = columns
	}
}

func (b *build) reads(table, column string) bool {
	for s := range b.allScopes() {
		if s.ReadsColumn(table, column) {
			return true
		}
	}
	return false
}
