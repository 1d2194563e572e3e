package expression

import (
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/types"

	"heed/engine/event"
)

// A Scope is the set of names that the expressions of one rule may use, with their kinds.
// It must not be used concurrently; what it compiles may be.
type Scope struct {
	types   []*event.Type
	loose   bool // an event type is undeclared, so data is unchecked
	other   []*event.Type
	fields  []event.Field
	index   map[string]int // of fields, by name
	names   []string       // of fields
	tables  Tables
	cells   map[string]map[string]bool // columns that are read, by table
	queries []Query                    // without parts that only an event knows
	config  *conf.Config
	// values reports whether the expressions see named values instead of an event.
	values bool
	// usesNow and usesReceivedAt report whether an expression uses these names.
	usesNow, usesReceivedAt bool
	// recorded reports whether the rule was once active.
	recorded bool
	// event is the scope from which At made this one; named holds the additional names.
	event *Scope
	named []string
}

// NewScope returns the scope of a rule that listens to the given event types. It has the
// fields of all of them. A nil type stands for an undeclared one; any field is then
// allowed.
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

// eventNames returns the names that an event provides, with their types.
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

// SetOtherTypes sets the other known event types, for hints: naming a field of another
// type is a common mistake.
func (s *Scope) SetOtherTypes(types []*event.Type) { s.other = types }

// Types returns the declared event types.
func (s *Scope) Types() []*event.Type { return s.types }

// Open reports whether an event type is undeclared, so that data is unchecked.
func (s *Scope) Open() bool { return s.loose }

// Table returns the table of the given name, or the zero Table.
func (s *Scope) Table(name string) Table { return s.tables[name] }

// Recorded returns the value set by SetRecorded.
func (s *Scope) Recorded() bool { return s.recorded }

// SetRecorded sets whether the rule was once active. What earlier versions of heed
// accepted is then a warning instead of an error.
func (s *Scope) SetRecorded(recorded bool) { s.recorded = recorded }

// Tables holds the tables in which rules can look things up, by name.
type Tables map[string]Table

// A Table is what expressions that use a table are checked against.
type Table struct {
	// Columns is nil if the columns are not known.
	Columns []string
	// Key is the column by which rows are found.
	Key string
	// File is the name of the table's file, for messages.
	File string
}

func (t Table) in() string {
	if t.File == "" {
		return ""
	}
	return " in " + t.File
}

// SetTables sets the tables that expressions may use.
func (s *Scope) SetTables(tables Tables) { s.tables = tables }

// ReadsColumn reports whether an expression of the scope reads a column of a table.
func (s *Scope) ReadsColumn(table, column string) bool { return s.cells[table][column] }

// TakeQueries returns the queries of the expressions compiled since the last call,
// without duplicates and without users and keys: the user, progress, the rankings and the
// tables.
func (s *Scope) TakeQueries() []Query {
	queries := s.queries
	s.queries = nil
	return queries
}

// TakeClockUse reports whether an expression compiled since the last call uses now or
// receivedAt, so that its result changes with time.
func (s *Scope) TakeClockUse() (now, receivedAt bool) {
	now, receivedAt = s.usesNow, s.usesReceivedAt
	s.usesNow, s.usesReceivedAt = false, false
	return now, receivedAt
}

// elsewhere lists the event types that have a field, for messages.
func (s *Scope) elsewhere(field string) string {
	var names []string
	for _, t := range s.other {
		if _, has := t.Field(field); has {
			names = append(names, t.Name)
		}
	}
	return strings.Join(names, " and ")
}

// addField adds a field. If two event types declare it with different kinds, it may be of
// any kind.
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

// Names returns the names that expressions may use.
func (s *Scope) Names() []string {
	if s.named != nil {
		return s.named
	}
	return []string{"event", "id", "source", "companyId", "receivedAt", "now", "user", "data"}
}

// FieldNames returns the fields that expressions may use; an undeclared event type may
// have more. Callers must not modify the slice.
func (s *Scope) FieldNames() []string { return slices.Clip(s.names) }

func (s *Scope) hasField(name string) bool {
	_, ok := s.index[name]
	return ok
}

// Events lists the scope's event types, for messages.
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
