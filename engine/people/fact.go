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

// A fact is what one event says about one person: who they are, or how far they have got
// in an item.
type fact struct {
	user    string
	profile profile
	item    itemKey // without an ID if the event concerns no item
	name    field
	row     row
}

// userOf returns the user an event is about: its data.userId, which may be a number. It
// returns false if there is none or the ID is unusable.
func userOf(e *event.Event) (string, bool) {
	user := e.User()
	return user, user != ""
}

// UserIn returns the user that a recorded event is about, or "".
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

// Names reports whether a body is an event about the user. If it is not an event, Names
// reports whether it contains the ID in quotes anywhere, however it is written.
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

// factOf extracts the fact in an event, omitting values that are missing, of the wrong
// kind or absurd. It returns false if nothing is left.
func factOf(e *event.Event, signedAt time.Time) (fact, bool) {
	user, ok := userOf(e)
	if !ok {
		return fact{}, false
	}
	f := fact{user: user}
	at := max(signedAt.UnixMicro(), 1) // 0 means never
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

// of adds what an event says about an item, whose fields are prefixed with its kind.
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

// completedAt returns when a course was finished: the time the event gives, if it is
// possible, otherwise the time the event was signed.
func completedAt(e *event.Event, at int64) int64 {
	text, _ := e.Data["completedAt"].(string)
	if t, ok := event.ParseTime(text); ok && t.UnixMicro() > 0 && t.UnixMicro() < at {
		return t.UnixMicro()
	}
	return at
}

// textOf returns a text or a whole number as text, or "" if it is missing or too long.
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

// An amount is a number from an event in millionths. The last bits of a sum of floats
// depend on the order of addition, and the order of events must not matter.
type amount = int64

const (
	unit amount = 1_000_000
	// maxAmount is the largest number of seconds (thirty years) or points, in whole
	// units.
	maxAmount = 1_000_000_000
	// none stands for an unknown amount.
	none amount = -1
)

// amountOf returns a number from 0 to most, or none if it is missing or anything else.
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

// number returns an amount as people write it.
func number(a amount) float64 { return float64(a) / float64(unit) }
