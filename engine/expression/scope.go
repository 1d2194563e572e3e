package expression

import (
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/types"

	"heed/engine/event"
)

// Scope is what the expressions of one rule may name, and of what kind it is.
// It is not for concurrent use; what it compiles is.
type Scope struct {
	types   []*event.Type
	loose   bool // an event type is undeclared: data is unchecked
	other   []*event.Type
	fields  []event.Field
	index   map[string]int // of fields, by name
	names   []string       // of fields
	tables  Tables
	cells   map[string]map[string]bool // columns that are read, by table
	queries []Query                    // without what only an event knows
	config  *conf.Config
	// values says that the expressions see named values, not an event.
	values bool
	// usesNow and usesReceivedAt say that an expression named them.
	usesNow, usesReceivedAt bool
	// recorded says that the rule was active once.
	recorded bool
	// event is the scope that this one is made of, named its names; see At.
	event *Scope
	named []string
}

// NewScope is the scope of a rule that listens to the given event types: the
// fields of any of them. A nil type is one nobody declared; with it, any field
// may be named.
func NewScope(eventTypes []*event.Type) *Scope {
	s := &Scope{loose: len(eventTypes) == 0, index: map[string]int{}}
	for _, t := range eventTypes {
		if t == nil {
			s.loose = true
			continue
		}
		s.types = append(s.types, t)
		for _, f := range t.Fields {
			s.addField(f)
		}
	}
	s.configure(s.eventNames())
	return s
}

// eventNames are the names that an event gives, with their types.
func (s *Scope) eventNames() types.Map {
	return types.Map{
		"event": types.String, "id": types.String, "source": types.String, "companyId": types.String,
		"receivedAt": exprType[event.Time], "now": exprType[event.Time],
		"data": s.dataType(), "user": userType,
	}
}

func (s *Scope) dataType() types.Map {
	data := types.Map{}
	for _, f := range s.fields {
		data[f.Name] = exprType[f.Kind]
	}
	if s.loose {
		data[types.Extra] = types.Any
	}
	return data
}

// configure sets the names that expressions may use.
func (s *Scope) configure(names types.Map) {
	s.config = conf.New(names)
	for _, f := range ownFunctions {
		s.config.Functions[f.Name] = f
	}
}

// SetOtherTypes tells the scope which other event types there are, for hints: naming
// another type's field is a common slip.
func (s *Scope) SetOtherTypes(types []*event.Type) { s.other = types }

// Types are the event types that are declared.
func (s *Scope) Types() []*event.Type { return s.types }

// Open says whether an event type is undeclared, so that data is unchecked.
func (s *Scope) Open() bool { return s.loose }

// Table is the table of that name; the zero Table if there is none.
func (s *Scope) Table(name string) Table { return s.tables[name] }

// Recorded says what SetRecorded was told.
func (s *Scope) Recorded() bool { return s.recorded }

// SetRecorded tells the scope whether the rule was in use once: what earlier
// versions of heed accepted is a warning then, not an error.
func (s *Scope) SetRecorded(recorded bool) { s.recorded = recorded }

// Tables are the tables that rules can look things up in, by name.
type Tables map[string]Table

// Table is what expressions that use a table are checked against.
type Table struct {
	// Columns are nil if they are not known.
	Columns []string
	// Key is the column that rows are found by.
	Key string
	// File is the name of the file that the table is in, for messages.
	File string
}

func (t Table) in() string {
	if t.File == "" {
		return ""
	}
	return " in " + t.File
}

// SetTables tells the scope which tables there are.
func (s *Scope) SetTables(tables Tables) { s.tables = tables }

// ReadsColumn says whether an expression of the scope reads a column of a table.
func (s *Scope) ReadsColumn(table, column string) bool { return s.cells[table][column] }

// TakeQueries returns the queries of the expressions that were compiled since the last
// call, each once, without users and keys: the user, progress, what is ranked by, and
// the tables.
func (s *Scope) TakeQueries() []Query {
	queries := s.queries
	s.queries = nil
	return queries
}

// TakeClockUse reports whether an expression that was compiled since the last call uses
// now or receivedAt: its result changes with time.
func (s *Scope) TakeClockUse() (now, receivedAt bool) {
	now, receivedAt = s.usesNow, s.usesReceivedAt
	s.usesNow, s.usesReceivedAt = false, false
	return now, receivedAt
}

// elsewhere names the event types that have a field, for messages.
func (s *Scope) elsewhere(field string) string {
	var names []string
	for _, t := range s.other {
		if _, has := t.Field(field); has {
			names = append(names, t.Name)
		}
	}
	return strings.Join(names, " and ")
}

// addField adds a field; a field that two event types have with different kinds can
// be of any kind.
func (s *Scope) addField(f event.Field) {
	i, known := s.index[f.Name]
	switch {
	case !known:
		s.index[f.Name] = len(s.fields)
		s.fields, s.names = append(s.fields, f), append(s.names, f.Name)
	case s.fields[i].Kind != f.Kind:
		s.fields[i].Kind = event.Any
	}
}

var exprType = map[event.Kind]types.Type{
	event.Text: types.String, event.Number: types.Float64, event.Bool: types.Bool,
	event.Time: types.TypeOf(time.Time{}), event.List: types.Array(types.Any),
	event.Object: types.Map{types.Extra: types.Any}, event.Any: types.Any,
}

// Names are the names that expressions may use.
func (s *Scope) Names() []string {
	if s.named != nil {
		return s.named
	}
	return []string{"event", "id", "source", "companyId", "receivedAt", "now", "user", "data"}
}

// FieldNames are the fields that expressions may name; with an undeclared event
// type there are more. They are not to be changed.
func (s *Scope) FieldNames() []string { return slices.Clip(s.names) }

func (s *Scope) hasField(name string) bool {
	_, ok := s.index[name]
	return ok
}

// Events names the scope's event types, for messages.
func (s *Scope) Events() string {
	if len(s.types) > 3 {
		return "none of the rule's event types"
	}
	names := make([]string, len(s.types))
	for i, t := range s.types {
		names[i] = t.Name
	}
	return strings.Join(names, " or ")
}
