package expression

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// A Resolver answers what rules look up beyond the event: who a user is, what a table
// says, how far a user has got. An answer is a Record, a number, nil if nothing is known,
// or an *Unknown that says why there is no answer.
type Resolver interface {
	Resolve(q Query) any
}

// A Query is one lookup of a rule beyond the event.
type Query struct {
	About Topic `json:"about"`
	// Of is the table of a lookup, or the user of a progress or a rank.
	Of string `json:"of,omitempty"`
	// Key is the user, the key of the row, the module, or the ranking.
	Key string `json:"key"`
}

// A Topic is what a query is about.
type Topic string

// The topics: user is a person, lookup("managers", key) a row of a table, progress(user,
// module) a percentage, rank(user, by) a position.
const (
	AboutUser     Topic = "user"
	AboutLookup   Topic = "lookup"
	AboutProgress Topic = "progress"
	AboutRank     Topic = "rank"
)

// A Record is an answer that consists of named values, such as a person or a row of a
// table.
type Record interface {
	// Cell returns the named value: text, a number, true or false; nil if there is none.
	Cell(name string) any
	// Names returns the names of the record's cells.
	Names() []string
}

// Cells is a Record held in a map.
type Cells map[string]any

// Cell implements Record.
func (c Cells) Cell(name string) any { return c[name] }

// Names implements Record.
func (c Cells) Names() []string { return slices.Sorted(maps.Keys(c)) }

// cellsOf returns all cells of a record.
func cellsOf(r Record) Cells {
	cells := Cells{}
	for _, name := range r.Names() {
		cells[name] = r.Cell(name)
	}
	return cells
}

// An Answer is a query with its answer; the value is nil if there was none. The answers
// that an event's rules used are stored with the event, so that its explanation stays
// true when the values change.
type Answer struct {
	Query
	Value any `json:"answer"`
}

// MarshalJSON writes a record as an object.
func (a Answer) MarshalJSON() ([]byte, error) {
	type plain Answer
	if record, ok := a.Value.(Record); ok {
		a.Value = cellsOf(record)
	}
	return json.Marshal(plain(a))
}

// UnmarshalJSON reads the output of MarshalJSON.
func (a *Answer) UnmarshalJSON(text []byte) error {
	type plain Answer
	if err := json.Unmarshal(text, (*plain)(a)); err != nil {
		return fmt.Errorf("a recorded answer: %w", err)
	}
	switch value := a.Value.(type) {
	case map[string]any:
		a.Value = Cells(value)
	case float64:
		a.Value = Number(value)
	}
	return nil
}

// Recorded resolves queries from recorded answers only.
type Recorded []Answer

// Resolve implements Resolver.
func (r Recorded) Resolve(q Query) any {
	value, _ := find(r, q)
	return value
}

// Replayed resolves queries from the answers that a decision used, to explain the
// decision later. Whatever the decision did not look up is neither known nor missing.
type Replayed Recorded

// Resolve implements Resolver.
func (r Replayed) Resolve(q Query) any {
	if value, found := find(r, q); found {
		return value
	}
	return notLookedUp
}

func find(answers []Answer, q Query) (value any, found bool) {
	for i := range answers {
		if answers[i].Query == q {
			return answers[i].Value, true
		}
	}
	return nil, false
}

var notLookedUp = &Unknown{kind: unasked, format: "the decision did not need it, so it was not looked up"}

// A LookupLog resolves the queries of the rules on one event and records the answers. It
// resolves each query once, so that all rules see the same answers. It must not be used
// concurrently.
type LookupLog struct {
	// Resolver supplies the answers; if it is nil, nothing is known.
	Resolver Resolver
	// Answers are the answers given so far.
	Answers []Answer
	size    int // approximate size of Answers in bytes
}

// SetLookups sets where the event's expressions look things up: first in the log, then,
// if its resolver has no answer, in the tables. Either may be nil.
func (env *Env) SetLookups(log *LookupLog, tables Resolver) {
	env.lookups, env.tables = log, tables
}

// Answers are stored with the event, so their number, the length of a name in a query and
// their total size in bytes are limited. costOfLookup is the cost of a query in terms of
// the rule's budget.
const (
	maxAnswers     = 200
	maxQuery       = 1 << 10
	maxAnswerBytes = 256 << 10
	costOfLookup   = 200
)

// sizeOf returns roughly how many bytes an answer takes when it is stored.
func (a *Answer) sizeOf() int {
	size := len(a.Of) + len(a.Key)
	switch value := a.Value.(type) {
	case string:
		size += len(value)
	case Record:
		for _, name := range value.Names() {
			text, _ := value.Cell(name).(string)
			size += len(name) + len(text)
		}
	}
	return size
}

// lookUp answers a query, from the log if it was answered before.
func (f *frame) lookUp(q Query) any {
	env := f.env
	if env.lookups == nil {
		env.lookups = new(LookupLog)
	}
	log := env.lookups
	if value, found := find(log.Answers, q); found {
		return value
	}
	f.spend(costOfLookup)
	for _, name := range []string{q.Of, q.Key} {
		if len(name) > maxQuery {
			return badf("%s is too long to look anything up by", quoted(name))
		}
	}
	value := env.resolve(log.Resolver, q)
	switch {
	case isUnknown(value):
		return value
	case len(log.Answers) == maxAnswers:
		return failedf("the rules ask more than %d things about this event", maxAnswers)
	}
	answer := Answer{q, value}
	if log.size += answer.sizeOf(); log.size > maxAnswerBytes {
		return failedf("the rules look up more than %d KiB about this event", maxAnswerBytes>>10)
	}
	log.Answers = append(log.Answers, answer)
	return value
}

// resolve asks known and, if that has no answer, the tables. For a user, it combines the
// two answers.
func (env *Env) resolve(known Resolver, q Query) (value any) {
	if known != nil {
		value = known.Resolve(q)
	}
	record, isRecord := value.(Record)
	if env.tables == nil || value != nil && !(isRecord && q.About == AboutUser) {
		return value
	}
	rest := env.tables.Resolve(q)
	if value == nil {
		return rest
	}
	if more, ok := rest.(Record); ok {
		return completed(record, more)
	}
	return value
}

// completed returns the cells of record, plus those that only more has.
func completed(record, more Record) Cells {
	cells := cellsOf(record)
	for _, name := range more.Names() {
		if cells[name] == nil {
			cells[name] = more.Cell(name)
		}
	}
	return cells
}

// user compiles user, the person that the event is about.
func user() node {
	none := missingf("data.userId is missing")
	return func(f *frame) any {
		switch id := f.env.data["userId"].(type) {
		case nil:
			return none
		case *Unknown:
			return id
		case string:
			if answer := f.lookUp(Query{AboutUser, "", id}); answer != nil {
				return answer
			}
			return missingf("nothing is known of the user %s", quoted(id))
		default:
			return badf("data.userId is %s, not a text", described{id})
		}
	}
}

// askings are the functions that look something up, and the reason if nothing is known.
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
		if answer := f.lookUp(Query{asks.about, first, second}); answer != nil {
			return answer
		}
		return missingf(asks.none, quoted(first), quoted(second))
	}
}
