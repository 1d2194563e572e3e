package receiver

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"heed/engine/source"
)

// MaxBody is the maximum size of a body in bytes.
const MaxBody = 1 << 20

// maxID is the maximum length of an event ID in bytes.
const maxID = 256

// checkForm refuses what can be refused without knowing the sender.
func checkForm(r *http.Request, s *source.Source) *refusal {
	switch {
	case !isJSON(r.Header["Content-Type"], s.Name != source.Mindtickle):
		return mediaType
	case !isPlain(r.Header["Content-Encoding"]):
		return encoded
	case r.ContentLength > MaxBody:
		return tooLarge
	default:
		return nil
	}
}

// isPlain reports whether a body is sent without an encoding.
func isPlain(contentEncoding []string) bool {
	return len(contentEncoding) == 0 || len(contentEncoding) == 1 && strings.EqualFold(contentEncoding[0], "identity")
}

// withoutMark returns a verified body without the byte order mark that some programs put
// before their JSON.
func withoutMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }

// only returns the value of a header that was given exactly once and is not empty. Of
// two values, a proxy and heed might each use a different one.
func only(values []string) (string, bool) {
	if len(values) != 1 || values[0] == "" {
		return "", false
	}
	return values[0], true
}

// isJSON accepts application/json with any parameters, types that end in +json if
// suffix is set, and no Content-Type at all: the verification says who wrote the body,
// and a body that is not JSON is quarantined. The check is there to refuse other
// senders early and clearly.
func isJSON(contentType []string, suffix bool) bool {
	switch len(contentType) {
	case 0:
		return true
	case 1:
		kind, _, _ := strings.Cut(contentType[0], ";")
		kind = strings.TrimSpace(kind)
		return kind == "" || strings.EqualFold(kind, "application/json") || suffix && hasJSONSuffix(kind)
	default:
		return false
	}
}

// hasJSONSuffix accepts application/*+json, as RFC 6839 describes it.
func hasJSONSuffix(kind string) bool {
	kind = strings.ToLower(kind)
	return strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

// eventID returns the event's id, or none and false if the header cannot be used: if it
// was given twice, is too long, or is not printable. The header is seldom signed, so it
// must not cause a verified event to be refused or lost: without a usable id, the event
// is identified by the hash of its body, as if the header were missing.
func eventID(values []string) (id string, usable bool) {
	if len(values) == 0 {
		return "", true
	}
	if len(values) > 1 || len(values[0]) > maxID || !printable(values[0]) {
		return "", false
	}
	return values[0], true
}

// printable rejects what could forge a line in a log or on a terminal: control
// characters (C1 too), invisible characters, and invalid UTF-8.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// readBody reads the whole body, whose buffer the intake keeps, and returns how much
// of the budget it holds.
func readBody(w http.ResponseWriter, r *http.Request, bodies *budget) (body []byte, held int64, why *refusal) {
	from := io.Reader(r.Body)
	if r.ContentLength < 0 {
		from = http.MaxBytesReader(w, r.Body, MaxBody)
	}
	body, held, err := bodies.read(from, int(r.ContentLength))
	var over *http.MaxBytesError
	switch {
	case err == nil:
		return body, held, nil
	case errors.Is(err, errNoRoom):
		return nil, 0, overloaded
	case errors.As(err, &over):
		return nil, 0, tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, 0, slowBody
	default:
		return nil, 0, cutBody
	}
}
