package expression

import (
	"time"

	"heed/engine/event"
)

// Sent is what the event has under the field that the expression names, as it
// was sent; nil if the expression is more than a field.
func (v *Value) Sent(env *Env) any {
	if v.field == "" {
		return nil
	}
	return env.event.Data[v.field]
}

// Set gives a name that the scope was told of its value.
func (env *Env) Set(name string, value any) {
	if env.names == nil {
		env.names = map[string]any{}
	}
	if value, isTime := value.(time.Time); isTime && value.IsZero() {
		return
	}
	env.names[name] = value
}

// SetItems gives items its value: a list of events.
func (env *Env) SetItems(events []*event.Event) {
	items := make([]any, len(events))
	for i, e := range events {
		item := map[string]any{"event": e.Type, "id": e.ID, "at": e.At, "data": e.Data}
		if user := e.User(); user != "" {
			item["user"] = user
		}
		items[i] = item
	}
	env.Set("items", items)
	env.items = events
}

// named reads a name that is set for some evaluations only.
func named(name string) node {
	none := missingf("there is no %s here", name)
	return func(f *frame) any {
		if value, ok := f.env.names[name]; ok {
			return value
		}
		return none
	}
}
