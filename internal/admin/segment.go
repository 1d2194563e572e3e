package admin

import (
	"net/url"
	"regexp"
	"strings"
)

// Segment is an id or a name as one part of a path. Browsers and servers take the
// parts . and .. for the place itself and the one above, also where they are
// percent-encoded, so these two are written ~. and ~.. here, and what looks like
// that already gets one more tilde.
func Segment(id string) string {
	if dots.MatchString(id) {
		id = "~" + id
	}
	return url.PathEscape(id)
}

// OfSegment is the id or name that a part of a path stands for, which has been
// unescaped.
func OfSegment(part string) string {
	if id, marked := strings.CutPrefix(part, "~"); marked && dots.MatchString(id) {
		return id
	}
	return part
}

var dots = regexp.MustCompile(`^~*\.\.?$`)
