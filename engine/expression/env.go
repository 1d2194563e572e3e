package expression

import (
	"errors"
	"maps"
	"time"

	"heed/engine/event"
)

// Env is what the expressions on one event see. It belongs to one goroutine.
type Env struct {
	event event.Event
	now   time.Time
	// data has each field as its declared kind; a field that is there with
	// another kind is an *Unknown with the reason.
	data map[string]any

	lookups *LookupLog
	tables  Resolver
	names   map[string]any // of a firing, in addition to the event; all names of a ValueScope
	rows    []*Env         // of items

	frame   frame
	failure error
}

// NewEnv prepares an event for evaluation. Its fields are typed by the event's
// type from the catalogue; nil stands for a type nobody declared, whose data is
// taken as it is. now is the engine's clock.
func NewEnv(e *event.Event, t *event.Type, now time.Time) *Env {
	env := &Env{event: *e, now: now.UTC(), data: e.Data}
	env.frame.env = env
	env.begin()
	if t == nil {
		return env
	}
	own := false // most events need no conversion, so the map is copied late
	for i := range t.Fields {
		value := e.Data[t.Fields[i].Name]
		if value == nil {
			continue
		}
		typed, same := asKind(&t.Fields[i], value)
		if same {
			continue
		}
		if !own {
			env.data, own = maps.Clone(e.Data), true
		}
		env.data[t.Fields[i].Name] = typed
	}
	return env
}

// begin gives a rule the work that it may do on this event: deciding its
// condition and then rendering what it wants sent.
func (env *Env) begin() { env.frame.budget = budget }

// charge takes the cost of what a template built from the rule's share.
func (env *Env) charge(size int) {
	if env.frame.budget -= size; env.frame.budget < 0 {
		env.failure = errors.New(tooMuchWork.Reason())
	}
}

// Failure says why a template that was rendered since it was last asked could
// not be: the rule needs more work on this event than a rule may do. A value
// that is just missing is no failure.
func (env *Env) Failure() error {
	err := env.failure
	env.failure = nil
	return err
}

// asKind returns the value as the field's kind, or why it is not one; same
// says that it is as it should be. Text is never taken for a number, nor a
// number for text.
func asKind(f *event.Field, value any) (typed any, same bool) {
	switch f.Kind {
	case event.Text:
		_, same = value.(string)
	case event.Number:
		switch value.(type) {
		case int, float64:
			same = true
		case event.BadNumber:
			return badf("data.%s is %s", f.Name, described{value}), false
		}
	case event.Bool:
		_, same = value.(bool)
	case event.Time:
		if text, isText := value.(string); isText {
			if t, valid := event.ParseTime(text); valid {
				return t, false
			}
		}
	case event.List:
		_, same = value.([]any)
	case event.Object:
		_, same = value.(map[string]any)
	default:
		same = true
	}
	if same {
		return value, true
	}
	return badf("data.%s is %s, not %s", f.Name, described{value}, kindWord[f.Kind]), false
}

var kindWord = map[event.Kind]string{
	event.Text: "a text", event.Number: "a number", event.Bool: "true or false",
	event.Time: "a time", event.List: "a list", event.Object: "an object", event.Any: "a value",
}
