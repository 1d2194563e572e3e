// Package expression owns the expression language of the rules: conditions,
// templates and keys. The grammar and the type check are expr's; the
// evaluation is heed's own, because a missing value is neither false nor an
// error here but unknown, and because every result must be able to say why.
// There is one evaluator: what decides an event is what explains it.
//
// The engine, the rule file and the kinds of actions import it; it knows only
// the event.
package expression

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/types"

	"heed/engine/event"
)

// MaxBytes bounds an expression's text.
const MaxBytes = 8 << 10

// Scope is what the expressions of one rule may name, and of what kind it is.
// It is not for concurrent use; what it compiles is.
type Scope struct {
	types   []*event.Type
	loose   bool // an event type is undeclared: data is unchecked
	other   []*event.Type
	fields  []event.Field
	tables  Tables
	cells   map[string]map[string]bool // columns that are read, by table
	queries []Query                    // without what only an event knows
	config  *conf.Config
	// responses says that the expressions are on HTTP responses, not on events.
	responses bool
	// usesNow and usesReceivedAt say that an expression named them.
	usesNow, usesReceivedAt bool
	// recorded says that the rule was in use once.
	recorded bool
	// event is the scope that this one is made of, named its names; see At.
	event *Scope
	named []string
}

// NewScope is the scope of a rule that listens to the given event types: the
// fields of any of them. A nil type is one nobody declared; with it, any field
// may be named.
func NewScope(eventTypes []*event.Type) *Scope {
	s := &Scope{loose: len(eventTypes) == 0}
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
		"event": types.String, "id": types.String, "companyId": types.String,
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

// SetOtherTypes tells the scope which event types there are beside its own, for hints:
// naming another type's field is a common slip.
func (s *Scope) SetOtherTypes(types []*event.Type) { s.other = types }

// SetRecorded tells the scope whether the rule was in use once: what earlier
// versions of heed accepted is a warning then, not an error.
func (s *Scope) SetRecorded(recorded bool) { s.recorded = recorded }

// Tables are the tables that rules can look things up in, by name.
type Tables map[string]Table

// Table is what expressions are checked against of a table.
type Table struct {
	// Columns are nil if they are not at hand.
	Columns []string
	// Key is the column by which rows are found.
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

// TakeQueries are the queries that the expressions ask which were compiled since it
// was last called, each once, without users and keys: the user, progress, what is
// ranked by, and the tables.
func (s *Scope) TakeQueries() []Query {
	queries := s.queries
	s.queries = nil
	return queries
}

// TakeClockUse says whether one of the expressions that were compiled since it was
// last called names now, or receivedAt: what they give changes with time.
func (s *Scope) TakeClockUse() (now, receivedAt bool) {
	now, receivedAt = s.usesNow, s.usesReceivedAt
	s.usesNow, s.usesReceivedAt = false, false
	return now, receivedAt
}

func (s *Scope) noteQuery(q Query) {
	if !slices.Contains(s.queries, q) {
		s.queries = append(s.queries, q)
	}
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

// addField adds a field; one that two event types have with different kinds
// is of any kind.
func (s *Scope) addField(f event.Field) {
	i := slices.IndexFunc(s.fields, func(have event.Field) bool { return have.Name == f.Name })
	switch {
	case i < 0:
		s.fields = append(s.fields, f)
	case s.fields[i].Kind != f.Kind:
		s.fields[i].Kind = event.Any
	}
}

var exprType = map[event.Kind]types.Type{
	event.Text: types.String, event.Number: types.Float64, event.Bool: types.Bool,
	event.Time: types.TypeOf(time.Time{}), event.List: types.Array(types.Any),
	event.Object: types.Map{types.Extra: types.Any}, event.Any: types.Any,
}

func (s *Scope) names() []string {
	if s.named != nil {
		return s.named
	}
	if s.responses {
		return []string{"status", "body"}
	}
	return []string{"event", "id", "companyId", "receivedAt", "now", "user", "data"}
}

func (s *Scope) fieldNames() []string {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.Name
	}
	return names
}

// events names the scope's event types, for messages.
func (s *Scope) events() string {
	names := make([]string, len(s.types))
	for i, t := range s.types {
		names[i] = t.Name
	}
	if len(names) > 3 {
		return "none of the rule's event types"
	}
	return strings.Join(names, " or ")
}

// Value is one compiled expression. It is safe for concurrent use.
type Value struct {
	// Text is the expression as written.
	Text  string
	field string // set when it is nothing but data.<field>
	run   node
}

// Value compiles an expression of any type. The value is nil if one of the
// faults is more than a warning.
func (s *Scope) Value(text string) (*Value, []Problem) {
	tree, _, faults := s.read(text)
	if len(faults) > 0 {
		return nil, faults
	}
	c := compiler{}
	return &Value{Text: strings.TrimSpace(text), field: dataField(tree), run: c.compile(tree)}, append(s.vain(text, tree), withoutZone(text, tree, false)...)
}

// Eval evaluates the expression: its value, or why it has none.
func (v *Value) Eval(env *Env) (any, *Unknown) {
	value := env.eval(v.run)
	if u, ok := value.(*Unknown); ok {
		return nil, u
	}
	return value, nil
}

// sent is Eval but for a plain field, which it gives as the event has it,
// whatever kind was declared: a template shows what was sent.
func (v *Value) sent(env *Env) (any, *Unknown) {
	if env.failure != nil {
		return nil, tooMuchWork
	}
	if raw := env.event.Data[v.field]; v.field != "" && raw != nil {
		return exact(raw), nil
	}
	if v.Text == "data" {
		return env.event.Data, nil
	}
	value, unknown := v.Eval(env)
	if unknown != nil && unknown.kind == failed {
		env.failure = errors.New(unknown.Reason())
	}
	return value, unknown
}

// shown is the text of what is sent, nothing longer than maxRendered.
func (v *Value) shown(env *Env) (string, *Unknown) {
	value, unknown := v.sent(env)
	if unknown != nil {
		return "", unknown
	}
	text, isText := value.(string)
	if !isText && weight(value, maxRendered) <= maxRendered {
		text = Text(value)
		env.charge(costOfText * len(text))
	} else if !isText {
		return "", badf("%s is larger than 1 MiB", v.Text)
	}
	if len(text) > maxRendered {
		return "", badf("%s is larger than 1 MiB", v.Text)
	}
	return text, nil
}

// maxRendered bounds what one hole can show: a list that holds a list that
// holds a list is soon larger than any event. Building a byte of text costs
// more than looking at one, and an object's entry most.
const (
	maxRendered  = 1 << 20
	costOfText   = 3
	costOfObject = 4
)

// exact keeps a number of the event from being rounded as calculated ones are.
func exact(value any) any {
	if f, ok := value.(float64); ok {
		return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
	}
	return value
}

// dataField is the name of the field if the tree is nothing but data.<field>.
func dataField(n ast.Node) string {
	member, ok := n.(*ast.MemberNode)
	if !ok || member.Method {
		return ""
	}
	base, isName := member.Node.(*ast.IdentifierNode)
	field, isNamed := member.Property.(*ast.StringNode)
	if !isName || !isNamed || base.Value != "data" {
		return ""
	}
	return field.Value
}
