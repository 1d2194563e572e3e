package event

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Kind is the kind of a field's values.
type Kind string

// The kinds of fields. A number may be whole or not; a time is a text in RFC 3339 or a
// plain date; nothing is known of an "any".
const (
	Text   Kind = "string"
	Number Kind = "number"
	Bool   Kind = "bool"
	Time   Kind = "time"
	List   Kind = "list"
	Object Kind = "object"
	Any    Kind = "any"
)

// Kinds lists all kinds, in the order in which messages name them.
var Kinds = []Kind{Text, Number, Bool, Time, List, Object, Any}

// A Field is a field of an event type's data. Any event may lack any field.
type Field struct {
	Name        string
	Kind        Kind
	Description string
	// Personal reports whether the field identifies a person. Its value is replaced when
	// an event leaves heed as an example.
	Personal bool
}

// A Type is an event type.
type Type struct {
	Name        string
	Description string
	// Fields are in the order in which people should read them.
	Fields []Field
}

// Field returns the field of the given name.
func (t *Type) Field(name string) (Field, bool) {
	i := slices.IndexFunc(t.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return t.Fields[i], true
}

// FieldNames returns the names of the fields, in order.
func (t *Type) FieldNames() []string {
	names := make([]string, len(t.Fields))
	for i := range t.Fields {
		names[i] = t.Fields[i].Name
	}
	return names
}

// A Catalog is a set of event types whose fields are known. It is immutable; With returns
// an extended copy.
type Catalog struct {
	types map[string]*Type
	order []string
}

// Lookup returns the type of the given name, or nil if it is not declared.
func (c *Catalog) Lookup(name string) *Type { return c.types[name] }

// Types returns all types: MindTickle's in their usual order, then those added.
func (c *Catalog) Types() []*Type {
	types := make([]*Type, len(c.order))
	for i, name := range c.order {
		types[i] = c.types[name]
	}
	return types
}

// Names returns the names of all types, in the order of Types.
func (c *Catalog) Names() []string { return slices.Clone(c.order) }

// With returns a catalogue that also has the given type. If the catalogue already has a
// type of that name, the fields are added to it. A field that already exists with another
// kind is an error.
func (c *Catalog) With(t Type) (*Catalog, error) {
	wider := &Catalog{types: maps.Clone(c.types), order: c.order}
	old, known := c.types[t.Name]
	if !known {
		wider.order = append(slices.Clone(c.order), t.Name)
		wider.types[t.Name] = &t
		return wider, nil
	}
	merged := *old
	merged.Fields = slices.Clone(old.Fields)
	for _, f := range t.Fields {
		have, ok := old.Field(f.Name)
		if ok && have.Kind != f.Kind {
			return nil, fmt.Errorf("%s already has a field %s, which is a %s, not a %s", t.Name, f.Name, have.Kind,
				f.Kind)
		}
		if !ok {
			merged.Fields = append(merged.Fields, f)
		}
	}
	wider.types[t.Name] = &merged
	return wider, nil
}

// Standard returns the catalogue of MindTickle's event types. A new type is one entry
// here.
func Standard() *Catalog { return standard }

var userID = personal("userId", "the rep's id at MindTickle")

var standard = catalog(
	Type{"course.completed", "a rep finished a course; comes again with a new id when the course is retaken", []Field{
		userID,
		field("courseName", Text, "the course's title"),
		field("courseId", Text, "the course's id"),
		field("score", Number, "points reached"),
		field("completedAt", Time, "when the course was finished"),
	}},
	Type{
		"quiz.submitted", "a rep handed in a quiz; an ungraded practice quiz leaves score, maxScore and passed out",
		[]Field{
			userID,
			field("quizName", Text, "the quiz's title"),
			field("quizId", Text, "the quiz's id"),
			field("quizType", Text, "what kind of quiz it is, such as graded or practice"),
			field("score", Number, "points reached"),
			field("maxScore", Number, "points that could be reached"),
			field("passed", Bool, "whether the score was enough"),
		},
	},
	Type{"user.provisioned", "a rep was added by SCIM", []Field{
		userID,
		personal("email", "the rep's e-mail address"),
		field("role", Text, "the rep's role"),
		field("teamId", Text, "the id of the rep's team"),
		personal("provisionedBy", "who or what added the rep"),
	}},
	Type{"user.deprovisioned", "a rep was removed by SCIM", []Field{
		userID,
		personal("email", "the rep's e-mail address"),
		field("reason", Text, "why the rep was removed"),
		field("deprovisionedAt", Time, "when the rep was removed"),
	}},
	Type{"module.progress", "a rep moved on in a module", []Field{
		userID,
		field("moduleName", Text, "the module's title"),
		field("moduleId", Text, "the module's id"),
		field("progressPct", Number, "how much is done, from 0 to 100"),
		field("timeSpentSec", Number, "seconds spent so far"),
	}},
	Type{"certification.expired", "a rep's certification lapsed", []Field{
		userID,
		field("certName", Text, "the certification's title"),
		field("expiredAt", Time, "when it lapsed"),
		field("renewalDeadline", Time, "until when it can be renewed"),
	}},

	// Events about heed itself.
	Type{"heed.delivery.dead", "a delivery was given up, or could never be sent; " +
		"at most once a minute for each action", []Field{
		message, count,
		field("rule", Text, "the rule that wanted it"),
		field("action", Text, "the action that was to send it"),
		field("kind", Text, "the kind of that action: slack, http, email or log"),
		field("delivery", Text, "the delivery's id; heed deliveries show has all of it"),
		field("eventId", Text, "the event's id"),
		field("error", Text, "why it was given up"),
		field("attempts", Number, "how often it was tried"),
	}},
	Type{"heed.rules.rejected", "rule files were changed and cannot be used; the old rules stay active", []Field{
		message, count,
		field("errors", Number, "how many errors the files have"),
		field("first", Text, "the first of them, with its place"),
	}},
	Type{"heed.rules.activated", "changed rule files are active", []Field{
		message, count,
		field("rules", Number, "how many rules there are"),
		field("warnings", Number, "how many warnings the files have"),
		field("version", Text, "the start of the hash of the files"),
	}},
	Type{"heed.signatures.refused", "many requests came with a wrong signature: perhaps the secret was changed", []Field{
		message, count,
		field("goodToo", Bool, "whether requests with a good signature came as well"),
	}},
	Type{"heed.source.silent", "no event was verified for long: perhaps the webhook is suspended", []Field{
		message, count,
		field("since", Time, "when the last one was"),
		field("hours", Number, "how many hours ago"),
	}},
	Type{"heed.event.quarantined", "a verified event could not be used; at most once a minute for each reason", []Field{
		message, count,
		field("eventId", Text, "the event's id"),
		field("eventType", Text, "the event's type, if it could be read"),
		field("reason", Text, "why, in a word"),
	}},
	Type{"heed.rule.overflow", "a rule has so many keys that new ones are not tracked any more", []Field{
		message, count,
		field("rule", Text, "the rule"),
	}},
)

// Reserved reports whether an event type is one of heed's own. Such events never come
// from outside.
func Reserved(eventType string) bool { return strings.HasPrefix(eventType, "heed.") }

var (
	message = field("message", Text, "what happened and what to do, as a sentence")
	count   = field("count", Number, "how many of the kind this event stands for")
)

func field(name string, kind Kind, description string) Field {
	return Field{Name: name, Kind: kind, Description: description}
}

func personal(name, description string) Field {
	f := field(name, Text, description)
	f.Personal = true
	return f
}

func catalog(types ...Type) *Catalog {
	c := &Catalog{types: map[string]*Type{}}
	for _, t := range types {
		c.types[t.Name] = &t
		c.order = append(c.order, t.Name)
	}
	return c
}
