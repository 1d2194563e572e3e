// Package source owns what a source is: a way in which events come, how its
// requests are verified, and how a request, an element of one, or a row of a file
// becomes an event. It is pure: the receiver and the reader of files bring the
// bytes, the intake stores what comes out.
package source

import (
	"time"

	"heed/engine/expression"
)

// The names of the sources that are always there.
const (
	// Mindtickle is the source of the published webhook contract.
	Mindtickle = "mindtickle"
	// Heed is the source of heed's own events.
	Heed = "heed"
)

// IsBuiltIn says whether a source is one of those that are always there, so that
// naming it says nothing about an event.
func IsBuiltIn(name string) bool { return name == Mindtickle || name == Heed }

// Source is one way in. It is immutable and safe for concurrent use.
type Source struct {
	Name string
	// Path is where requests come in, such as /webhooks/connector; empty for a
	// source of rows.
	Path string
	// Verify says how requests are verified; nil without a Path.
	Verify *Verification
	// Files is a pattern of the files that are read when they appear; empty for
	// none. It is absolute, or relative to the working directory.
	Files string
	// Mapping makes events; nil where the body itself is one, in the form of the
	// published contract.
	Mapping *Mapping
	// IDs names the source whose ids this source uses: its own name, unless it shares
	// them with another.
	IDs string
	// Act limits which events may trigger something.
	Act Act
	// Version identifies what the rule file says about the source.
	Version string
	// Place says where the source is configured, such as rules.yaml:12.
	Place string
}

// Rows says whether events come as the rows of files, not as requests.
func (s *Source) Rows() bool { return s.Path == "" }

// Mapping holds the expressions that make an event. Event is always there. A nil
// Each makes one event, a nil ID makes the id from the content, a nil At or
// Company leaves that out, and a nil Data leaves the data to Fields.
type Mapping struct {
	// Each gives the list whose elements are the events.
	Each *expression.Value
	// Event gives the type, ID the id, At the event's own time, Company the
	// company.
	Event, ID, At, Company *expression.Value
	// Data gives all data; Fields give single ones.
	Data   *expression.Value
	Fields []Field
	// Unsigned says that the id is taken from what the signature does not cover.
	Unsigned bool
	// Columns are the columns of a row that the expressions read by name.
	Columns []string
}

// Field is one field of an event's data.
type Field struct {
	Name  string
	Value *expression.Value
}

// Act limits which events of a source may trigger something. The others are stored
// and known to the rules' state.
type Act struct {
	// Never is for no event, Since for those whose own time is not before it,
	// Within for those that are not older. The zero Act is for all.
	Never  bool
	Since  time.Time
	Within time.Duration
}

// Allows says whether an event of that own time may trigger something now.
func (a Act) Allows(at, now time.Time) bool {
	return !a.Never && !at.Before(a.Since) && (a.Within == 0 || now.Sub(at) <= a.Within)
}

// Set is all sources of a rule set, the published one first. It is immutable.
type Set struct{ Sources []*Source }

// Find returns the source of that name; nil if there is none.
func (s *Set) Find(name string) *Source {
	for _, source := range s.Sources {
		if source.Name == name {
			return source
		}
	}
	return nil
}

// Names are the names of the sources, in their order.
func (s *Set) Names() []string {
	names := make([]string, len(s.Sources))
	for i, source := range s.Sources {
		names[i] = source.Name
	}
	return names
}
