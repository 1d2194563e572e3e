package people

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"

	"heed/engine/event"
)

// fact is what one event tells of one person: who they are, or how far they
// have come in an item.
type fact struct {
	user    string
	profile profile
	item    itemKey // without an id if the event is of none
	name    field
	row     row
}

// userOf returns whom an event is about: its data.userId, which may be a
// number. False if it is about nobody or the id is unusable.
func userOf(e *event.Event) (string, bool) {
	user := e.User()
	return user, user != ""
}

// UserIn returns the user that a recorded event is about, empty if there is none.
func UserIn(body []byte) string {
	e, err := event.Decode(body)
	if err != nil {
		return ""
	}
	return e.User()
}

var (
	aString       = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	aNumberOfUser = regexp.MustCompile(`"userId"\s*:\s*(-?\d+)(?:[\s,}\]]|$)`)
)

// Names says whether a body is about a user or, if it is not an event, has the id in
// quotes anywhere, however it is written.
func Names(body []byte, user string) bool {
	if e, err := event.Decode(body); err == nil {
		id, ok := userOf(&e)
		return ok && id == user
	}
	for _, literal := range aString.FindAll(body, -1) {
		var text string
		if json.Unmarshal(literal, &text) == nil && text == user {
			return true
		}
	}
	return slices.ContainsFunc(aNumberOfUser.FindAllSubmatch(body, -1),
		func(m [][]byte) bool { return string(m[1]) == user })
}

// factOf reads what an event tells, leaving out each value that is missing, of
// the wrong kind or absurd. False if nothing is left.
func factOf(e *event.Event, signedAt time.Time) (fact, bool) {
	user, ok := userOf(e)
	if !ok {
		return fact{}, false
	}
	f := fact{user: user}
	at := max(signedAt.UnixMicro(), 1) // 0 is for never
	switch e.Type {
	case "user.provisioned":
		f.profile = profile{
			email: f.textOf(e, "email", MaxText, at), role: f.textOf(e, "role", MaxText, at),
			team: f.textOf(e, "teamId", MaxID, at), active: true, activeAt: at,
		}
		return f, true
	case "user.deprovisioned":
		f.profile = profile{email: f.textOf(e, "email", MaxText, at), activeAt: at}
		return f, true
	case "module.progress":
		return f.of(e, Module, "module", at)
	case "course.completed":
		return f.of(e, Course, "course", at)
	case "quiz.submitted":
		return f.of(e, Quiz, "quiz", at)
	default:
		return fact{}, false
	}
}

func (f fact) textOf(e *event.Event, key string, most int, at int64) field {
	if text := textOf(e.Data, key, most); text != "" {
		return field{text, at}
	}
	return field{}
}

// of reads what an event tells of an item, whose fields begin with its kind.
func (f fact) of(e *event.Event, kind Kind, prefix string, at int64) (fact, bool) {
	f.item = itemKey{kind, textOf(e.Data, prefix+"Id", MaxID)}
	if f.item.id == "" {
		return fact{}, false
	}
	f.name = f.textOf(e, prefix+"Name", MaxText, at)
	r := newRow(0)
	r.firstAt, r.lastAt = at, at
	switch kind {
	case Module:
		r.progress = amountOf(e.Data, "progressPct", 100)
		r.seconds = amountOf(e.Data, "timeSpentSec", maxAmount)
		if r.progress == 100*unit {
			r.completedAt = at
		}
	case Course:
		r.scored(amountOf(e.Data, "score", maxAmount), at)
		r.completedAt = completedAt(e, at)
	case Quiz:
		r.scored(amountOf(e.Data, "score", maxAmount), at)
		if passed, _ := e.Data["passed"].(bool); passed {
			r.completedAt = at
		}
	}
	f.row = r
	return f, true
}

// completedAt is when a course was finished by its own word, if that can be,
// else when the event was signed.
func completedAt(e *event.Event, at int64) int64 {
	text, _ := e.Data["completedAt"].(string)
	if t, ok := event.ParseTime(text); ok && t.UnixMicro() > 0 && t.UnixMicro() < at {
		return t.UnixMicro()
	}
	return at
}

// textOf is a text or a whole number, empty if it is missing or too long.
func textOf(data map[string]any, key string, most int) string {
	switch v := data[key].(type) {
	case string:
		if len(v) <= most {
			return v
		}
	case int:
		return strconv.Itoa(v)
	}
	return ""
}

// amount is a number from an event in millionths. Sums of floats depend, in
// their last bits, on which was added first; the order of events must not
// matter.
type amount = int64

const (
	unit amount = 1_000_000
	// maxAmount is the most that seconds or a score may be, in whole ones:
	// seconds of thirty years.
	maxAmount = 1_000_000_000
	// none stands for an amount that is not known.
	none amount = -1
)

// amountOf is a number from 0 to most, none if it is missing or not that.
func amountOf(data map[string]any, key string, most float64) amount {
	var v float64
	switch n := data[key].(type) {
	case int:
		v = float64(n)
	case float64:
		v = n
	default:
		return none
	}
	if !(v >= 0 && v <= most) {
		return none
	}
	return amount(math.Round(v * float64(unit)))
}

// number is an amount as people write it.
func number(a amount) float64 { return float64(a) / float64(unit) }
