// Package source owns what a source is: a way for events to arrive, how its requests are
// verified, and how a request, an element of one, or a row of a file becomes an event. It
// is pure: the receiver and the reader of files supply the bytes, and the intake stores
// the events.
package source

import (
	"time"

	"heed/engine/expression"
)

// The names of the built-in sources.
const (
	// Mindtickle is the source of the published webhook contract.
	Mindtickle = "mindtickle"
	// Heed is the source of heed's own events.
	Heed = "heed"
)

// IsBuiltIn reports whether a source is built in, so that its name says nothing about an
// event.
func IsBuiltIn(name string) bool { return name == Mindtickle || name == Heed }

// A Source is one way for events to arrive. It is immutable and safe for concurrent use.
type Source struct {
	Name string
	// Path is the path for requests, such as /webhooks/connector; empty for a source of
	// rows.
	Path string
	// Verify says how requests are verified; nil without a Path.
	Verify *Verification
	// Files is a pattern of files that are read when they appear, or empty. It is
	// absolute, or relative to the working directory.
	Files string
	// Mapping makes events. It is nil if the body itself is an event in the published
	// format.
	Mapping *Mapping
	// IDs names the source whose IDs this source uses: itself, unless it shares them with
	// another.
	IDs string
	// Act limits which events may trigger something.
	Act Act
	// Version identifies what the rule file says about the source.
	Version string
	// Place says where the source is configured, such as rules.yaml:12.
	Place string
}

// Rows reports whether events arrive as rows of files instead of requests.
func (s *Source) Rows() bool { return s.Path == "" }

// A Mapping holds the expressions that make an event. Event is always set. A nil Each
// makes one event; a nil ID derives the ID from the content; a nil At or Company omits
// that; and a nil Data leaves the data to Fields.
type Mapping struct {
	// Each gives the list whose elements become events.
	Each *expression.Value
	// Event gives the type, ID the id, At the event's own time, Company the
	// company.
	Event, ID, At, Company *expression.Value
	// Data gives all data; Fields give individual fields.
	Data   *expression.Value
	Fields []Field
	// Unsigned reports whether the ID is taken from something the signature does not
	// cover.
	Unsigned bool
	// Columns are the columns of a row that the expressions read by name.
	Columns []string
}

// A Field is one field of an event's data.
type Field struct {
	Name  string
	Value *expression.Value
}

// Act limits which events of a source may trigger something. The others are stored, and
// update the rules' state.
type Act struct {
	// Never admits no event, Since those whose own time is not before it, Within those
	// that are not older. The zero Act admits all.
	Never  bool
	Since  time.Time
	Within time.Duration
}

// Allows reports whether an event with the given own time may trigger something now.
func (a Act) Allows(at, now time.Time) bool {
	return !a.Never && !at.Before(a.Since) && (a.Within == 0 || now.Sub(at) <= a.Within)
}

// A Set is all sources of a rule set, the published one first. It is immutable.
type Set struct{ Sources []*Source }

// Find returns the source of the given name, or nil.
func (s *Set) Find(name string) *Source {
	for _, source := range s.Sources {
		if source.Name == name {
			return source
		}
	}
	return nil
}

// Names returns the names of the sources, in order.
func (s *Set) Names() []string {
	names := make([]string, len(s.Sources))
	for i, source := range s.Sources {
		names[i] = source.Name
	}
	return names
}
