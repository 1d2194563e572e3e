package expression

import (
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

	frame frame
}

// NewEnv prepares an event for evaluation. Its fields are typed by the event's
// type from the catalogue; nil stands for a type nobody declared, whose data is
// taken as it is. now is the engine's clock.
func NewEnv(e *event.Event, t *event.Type, now time.Time) *Env {
	env := &Env{event: *e, now: now.UTC(), data: e.Data}
	env.frame.env = env
	if t == nil {
		return env
	}
	typed := make(map[string]any, len(e.Data))
	for name, value := range e.Data {
		typed[name] = value
	}
	for i := range t.Fields {
		if value := typed[t.Fields[i].Name]; value != nil {
			typed[t.Fields[i].Name] = asKind(&t.Fields[i], value)
		}
	}
	env.data = typed
	return env
}

// asKind returns the value as the field's kind, or why it is not one. Text is
// never taken for a number, nor a number for text.
func asKind(f *event.Field, value any) any {
	ok := false
	switch f.Kind {
	case event.Text:
		_, ok = value.(string)
	case event.Number:
		switch value.(type) {
		case int, float64:
			ok = true
		case event.BadNumber:
			return badf("data.%s is %s", f.Name, describe(value))
		}
	case event.Bool:
		_, ok = value.(bool)
	case event.Time:
		if text, isText := value.(string); isText {
			if t, valid := event.ParseTime(text); valid {
				return t
			}
		}
	case event.List:
		_, ok = value.([]any)
	case event.Object:
		_, ok = value.(map[string]any)
	default:
		ok = true
	}
	if ok {
		return value
	}
	return badf("data.%s is %s, not %s", f.Name, describe(value), kindWord[f.Kind])
}

var kindWord = map[event.Kind]string{
	event.Text: "a text", event.Number: "a number", event.Bool: "true or false",
	event.Time: "a time", event.List: "a list", event.Object: "an object", event.Any: "a value",
}
