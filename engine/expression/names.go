package expression

import (
	"slices"
	"time"

	"github.com/expr-lang/expr/types"

	"heed/engine/event"
)

// A Moment is when expressions are evaluated if not on a single event. It determines
// which names they have.
type Moment int

// When a count fires, expressions have items and total in addition to the newest event.
// When a wait fires, they have started, due and step in addition to the event that
// started it. A summary, which is a digest or the rest of a throttle, covers many events:
// it has items, total, more, key, since and until, and no event of its own.
const (
	AtCount Moment = iota
	AtWait
	AtSummary
)

// At returns the scope of expressions that are evaluated at a moment.
func (s *Scope) At(m Moment) *Scope {
	own := *s
	own.event, own.queries, own.cells = s, nil, nil
	own.usesNow, own.usesReceivedAt = false, false
	item := types.Map{
		"event": types.String, "id": types.String, "source": types.String, "at": exprType[event.Time],
		"user": types.String, "data": s.dataType(),
	}
	names := s.eventNames()
	own.named = slices.Clone(s.Names())
	add := func(name string, t types.Type) {
		names[name] = t
		own.named = append(own.named, name)
	}
	switch m {
	case AtCount:
		add("items", types.Array(item))
		add("total", types.Float64)
	case AtWait:
		add("started", exprType[event.Time])
		add("due", exprType[event.Time])
		add("step", types.Float64)
	case AtSummary:
		names, own.named = types.Map{"now": exprType[event.Time]}, []string{"now"}
		add("items", types.Array(item))
		add("total", types.Float64)
		add("more", types.Float64)
		add("key", types.String)
		add("since", exprType[event.Time])
		add("until", exprType[event.Time])
	}
	own.configure(names)
	return &own
}

// elsewhereKnown returns the message and hint for a name that is known only at another
// moment than this scope's.
func (s *Scope) elsewhereKnown(name string) (message, hint string) {
	switch {
	case s.values || s.hasField(name):
		return "", ""
	case s.event != nil && slices.Contains(s.event.Names(), name): // in a summary
		hint = "the events are items: write join(map(items, #.data.userId), \", \")"
		if name == "data" || name == "user" {
			hint += "; the value of per is key"
		}
		return name + " is not known here: the message is about several events", hint
	case slices.Contains([]string{"items", "total"}, name):
		return name + " is not known here",
			"items and total are known in the do of a rule with count or digest, and in rest"
	case slices.Contains([]string{"key", "more", "since", "until"}, name):
		return name + " is not known here", "key, more, since and until are known in the do of a rule with digest, " +
			"and in rest"
	case slices.Contains([]string{"started", "due", "step"}, name):
		return name + " is not known here", "started, due and step are known in still and do of a rule with wait"
	default:
		return "", ""
	}
}

// Row returns the scope of expressions on one item, or nil where there are no items.
func (s *Scope) Row() *Scope {
	if !slices.Contains(s.Names(), "items") {
		return nil
	}
	return s.event
}

// Sent returns the field that the expression names, as the event sent it. It returns nil
// if the expression is more than a field.
func (v *Value) Sent(env *Env) any {
	if v.field == "" {
		return nil
	}
	return env.event.Data[v.field]
}

// Set sets the value of a name of the moment.
func (env *Env) Set(name string, value any) {
	if env.names == nil {
		env.names = map[string]any{}
	}
	if at, isTime := value.(time.Time); !isTime || !at.IsZero() {
		env.names[name] = value
	}
}

// SetItems sets items: one environment for each event. zone is the time zone of the rule.
func (env *Env) SetItems(rows []*Env, zone *time.Location) {
	items := make([]any, len(rows))
	for i, row := range rows {
		item := map[string]any{
			"event": row.event.Type, "id": row.event.ID, "source": row.event.Source, "at": row.event.At.In(zone),
			"data": row.data,
		}
		if user := row.event.User(); user != "" {
			item["user"] = user
		}
		items[i] = item
	}
	env.Set("items", items)
	env.rows = rows
}

// Rows returns the environments of the items.
func (env *Env) Rows() []*Env { return env.rows }

// More returns the number of items beyond those of Rows.
func (env *Env) More() int {
	more, _ := env.names["more"].(int)
	return more
}

// named compiles a name that is set only at some moments.
func named(name string) node {
	none := missingf("%s is missing", name)
	return func(f *frame) any {
		if value, ok := f.env.names[name]; ok && value != nil {
			return value
		}
		return none
	}
}
