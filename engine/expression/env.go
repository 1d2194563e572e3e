package expression

import (
	"errors"
	"maps"
	"time"

	"heed/engine/event"
)

// An Env is what the expressions on one event can see. It must not be used concurrently.
type Env struct {
	event event.Event
	now   time.Time
	// data holds each field as its declared kind. A field that is present but of another
	// kind is an *Unknown with the reason.
	data map[string]any

	lookups *LookupLog
	tables  Resolver
	names   map[string]any // names of a moment, in addition to the event's; all names of a ValueScope
	rows    []*Env         // the value of items

	frame   frame
	failure error
}

// NewEnv prepares an event for evaluation. t is the event's type in the catalogue, and
// determines the kinds of its fields; if it is nil, the type is undeclared and the data
// is taken as is. now is the engine's clock.
func NewEnv(e *event.Event, t *event.Type, now time.Time) *Env {
	env := &Env{event: *e, now: now.UTC(), data: e.Data}
	env.frame.env = env
	env.begin()
	if t == nil {
		return env
	}
	own := false // most events need no conversion, so the map is copied only when needed
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

// begin resets the budget that a rule may spend on this event: for deciding its condition
// and then for rendering what it sends.
func (env *Env) begin() { env.frame.budget = budget }

// charge deducts the size of what a template built from the rule's budget.
func (env *Env) charge(size int) {
	if env.frame.budget -= size; env.frame.budget < 0 {
		env.failure = errors.New(tooMuchWork.Reason())
	}
}

// Failure returns an error if a template rendered since the last call to Failure exceeded
// the work that a rule may do on one event. A value that is merely missing is no failure.
func (env *Env) Failure() error {
	err := env.failure
	env.failure = nil
	return err
}

// asKind returns the value as the field's kind, or the reason why it is not of that kind.
// same reports whether the value already was of that kind. Text is never taken for a
// number, nor a number for text.
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
