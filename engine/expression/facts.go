package expression

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// Facts answer what rules ask beyond the event: who a user is, what a table
// says, how far somebody got. An answer is a Record, a number, nil if nothing
// is known, or an *Unknown that says why there is none.
type Facts interface {
	Fact(q Question) any
}

// Question is one thing that a rule asks beyond the event.
type Question struct {
	About Topic `json:"about"`
	// Of is the table of a lookup, the user of a progress or a rank.
	Of string `json:"of,omitempty"`
	// Key is the user, the row's key, the module, or what is ranked by.
	Key string `json:"key"`
}

// Topic is what a question is about.
type Topic string

// The topics: user is a person, lookup("managers", key) the row of a table,
// progress(user, module) a percentage, rank(user, by) a place.
const (
	AboutUser     Topic = "user"
	AboutLookup   Topic = "lookup"
	AboutProgress Topic = "progress"
	AboutRank     Topic = "rank"
)

// Record is an answer of several values by name, such as a person or a row of
// a table.
type Record interface {
	// Cell is the value of that name: a text, a number, true or false; nil if
	// there is none.
	Cell(name string) any
	// Names are the names of the cells that there are.
	Names() []string
}

// Cells is a Record at hand.
type Cells map[string]any

// Cell implements Record.
func (c Cells) Cell(name string) any { return c[name] }

// Names implements Record.
func (c Cells) Names() []string { return slices.Sorted(maps.Keys(c)) }

// cellsOf are all cells of a record.
func cellsOf(r Record) Cells {
	cells := Cells{}
	for _, name := range r.Names() {
		cells[name] = r.Cell(name)
	}
	return cells
}

// Fact is a question and the answer it was given, nil for none. What an event's
// rules asked is kept with it, so that its explanation stays true when the
// answers change.
type Fact struct {
	Question
	Answer any `json:"answer"`
}

// MarshalJSON writes a record as an object.
func (f Fact) MarshalJSON() ([]byte, error) {
	type plain Fact
	if record, ok := f.Answer.(Record); ok {
		f.Answer = cellsOf(record)
	}
	return json.Marshal(plain(f))
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *Fact) UnmarshalJSON(text []byte) error {
	type plain Fact
	if err := json.Unmarshal(text, (*plain)(f)); err != nil {
		return fmt.Errorf("a recorded fact: %w", err)
	}
	switch answer := f.Answer.(type) {
	case map[string]any:
		f.Answer = Cells(answer)
	case float64:
		f.Answer = Number(answer)
	}
	return nil
}

// Recorded are facts that were asked for once. Nothing else is known.
type Recorded []Fact

// Fact implements Facts.
func (r Recorded) Fact(q Question) any {
	for i := range r {
		if r[i].Question == q {
			return r[i].Answer
		}
	}
	return nil
}

// Recalled are the facts that a decision asked for, for whoever explains it
// afterwards: what it did not ask for is neither known nor missing now.
type Recalled Recorded

// Fact implements Facts.
func (r Recalled) Fact(q Question) any {
	for i := range r {
		if r[i].Question == q {
			return r[i].Answer
		}
	}
	return notAsked
}

var notAsked = &Unknown{kind: unasked, format: "the decision did not need it, so it was not looked up"}

// Inquiry asks the questions of the rules on one event, each once, so that all
// rules see the same answers, and keeps them. It belongs to one goroutine.
type Inquiry struct {
	// Facts know the answers; nil knows none.
	Facts Facts
	// Asked are the questions so far, with their answers.
	Asked []Fact
	size  int // of Asked, in bytes, roughly
}

// Consult gives the event's expressions somebody to ask: the inquiry and, where
// that knows no answer, the tables. Either may be nil.
func (env *Env) Consult(inquiry *Inquiry, tables Facts) {
	env.inquiry, env.tables = inquiry, tables
}

// What is asked is kept with the event, so it is bounded: how many questions,
// how many bytes a name in one, and how many bytes all of it. costOfFact is what
// a question costs.
const (
	maxAsked      = 200
	maxQuestion   = 1 << 10
	maxAskedBytes = 256 << 10
	costOfFact    = 200
)

// sizeOf is about how many bytes are kept of a fact.
func (f *Fact) sizeOf() int {
	size := len(f.Of) + len(f.Key)
	switch answer := f.Answer.(type) {
	case string:
		size += len(answer)
	case Record:
		for _, name := range answer.Names() {
			text, _ := answer.Cell(name).(string)
			size += len(name) + len(text)
		}
	}
	return size
}

// ask asks a question, unless it was asked before.
func (f *frame) ask(q Question) any {
	env := f.env
	if env.inquiry == nil {
		env.inquiry = new(Inquiry)
	}
	asked := env.inquiry.Asked
	for i := range asked {
		if asked[i].Question == q {
			return asked[i].Answer
		}
	}
	f.spend(costOfFact)
	for _, name := range []string{q.Of, q.Key} {
		if len(name) > maxQuestion {
			return badf("%s is too long to look anything up by", quoted(name))
		}
	}
	var answer any
	for _, facts := range []Facts{env.inquiry.Facts, env.tables} {
		if facts != nil && answer == nil {
			answer = facts.Fact(q)
		}
	}
	switch {
	case isUnknown(answer):
		return answer
	case len(asked) == maxAsked:
		return failedf("the rules ask more than %d things about this event", maxAsked)
	}
	fact := Fact{q, answer}
	if env.inquiry.size += fact.sizeOf(); env.inquiry.size > maxAskedBytes {
		return failedf("the rules look up more than %d KiB about this event", maxAskedBytes>>10)
	}
	env.inquiry.Asked = append(asked, fact)
	return answer
}

// user is the person that the event is about.
func user() node {
	none := missingf("data.userId is missing")
	return func(f *frame) any {
		switch id := f.env.data["userId"].(type) {
		case nil:
			return none
		case *Unknown:
			return id
		case string:
			if answer := f.ask(Question{AboutUser, "", id}); answer != nil {
				return answer
			}
			return missingf("nothing is known of the user %s", quoted(id))
		default:
			return badf("data.userId is %s, not a text", described{id})
		}
	}
}

// askings are the functions that ask, and what it means if nothing is known.
var askings = map[string]struct {
	about Topic
	none  string
}{
	"lookup":   {AboutLookup, "%s has no row for %s"},
	"progress": {AboutProgress, "no progress of %s in %s is known"},
	"rank":     {AboutRank, "%s has no place by %s yet"},
}

// asking compiles a call of lookup, progress or rank.
func asking(name string, arguments []node) node {
	asks := askings[name]
	return func(f *frame) any {
		of, key := arguments[0](f), arguments[1](f)
		if u, ok := firstUnknown(of, key); ok {
			return u
		}
		first, ok1 := of.(string)
		second, ok2 := key.(string)
		if !ok1 || !ok2 {
			return badf("%s takes texts, not %s and %s", name, described{of}, described{key})
		}
		if answer := f.ask(Question{asks.about, first, second}); answer != nil {
			return answer
		}
		return missingf(asks.none, quoted(first), quoted(second))
	}
}

// asks is the name of the function by which a node asks beyond the event, "user"
// for the user; empty if it does not.
func asks(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if n.Value == "user" {
			return n.Value
		}
	case *ast.CallNode:
		if name, ok := n.Callee.(*ast.IdentifierNode); ok {
			if _, known := askings[name.Value]; known {
				return name.Value
			}
		}
	case *ast.ChainNode:
		return asks(n.Node)
	}
	return ""
}

// isRecord says whether a node gives a record.
func isRecord(n ast.Node) bool { return asks(n) == "user" || asks(n) == "lookup" }
