package admin

import (
	"net/url"
	"regexp"
	"strings"
)

// Segment returns an id or a name as one segment of a path. Browsers and servers
// resolve the segments . and .. even where they are percent-encoded, so Segment writes
// them as ~. and ~.. and adds a tilde to what already looks like that.
func Segment(id string) string {
	if dots.MatchString(id) {
		id = "~" + id
	}
	return url.PathEscape(id)
}

// OfSegment returns the id or name that an unescaped segment of a path stands for.
func OfSegment(part string) string {
	if id, marked := strings.CutPrefix(part, "~"); marked && dots.MatchString(id) {
		return id
	}
	return part
}

var dots = regexp.MustCompile(`^~*\.\.?$`)
