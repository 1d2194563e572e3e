package receiver

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"

	"heed/engine/intake"
	"heed/engine/source"
)

// A Reason is why a request was refused: a short stable word, fit for a metric label. The
// sender never sees it.
type Reason string

// The reasons, each with the status of the response.
const (
	NotFound           Reason = "not_found"           // 404
	Method             Reason = "method"              // 405
	MediaType          Reason = "media_type"          // 415
	ContentEncoding    Reason = "content_encoding"    // 415
	TooLarge           Reason = "too_large"           // 413
	MissingSignature   Reason = "missing_signature"   // 401; also empty or twice
	MissingTimestamp   Reason = "missing_timestamp"   // 401; also empty or twice
	MissingID          Reason = "missing_id"          // 401; also empty or given twice, if it is signed
	MissingCredentials Reason = "missing_credentials" // 401; also twice or of another scheme
	BadTimestamp       Reason = "bad_timestamp"       // 403; neither Unix nor RFC 3339
	BadSignature       Reason = "bad_signature"       // 403; not in the form of a signature
	WrongSignature     Reason = "wrong_signature"     // 403; no secret made it
	WrongCredentials   Reason = "wrong_credentials"   // 403; no such user, token or password
	SlowBody           Reason = "slow_body"           // 408
	CutBody            Reason = "cut_body"            // 400
	Overloaded         Reason = "overloaded"          // 503; no memory for the body
	HungUp             Reason = "hung_up"             // 503, which nobody reads
	Unavailable        Reason = "unavailable"         // 503
	Unverifiable       Reason = "unverifiable"        // 503; the source has no usable secret
	Panicked           Reason = "panic"               // 503
)

// A refusal is one way in which a request is refused.
type refusal struct {
	warning
	status int
	header http.Header
	body   []byte
}

// The refusals: reason, status, what the sender reads, and the likely cause. The cause is
// logged for the operator, with {holes} filled in from the source. A refusal without a
// cause is only counted.
var (
	notFound  = refused(NotFound, http.StatusNotFound, "Not found", "")
	notPosted = refused(Method, http.StatusMethodNotAllowed, "Method not allowed", "").with("Allow", "POST")
	notRead   = refused(Method, http.StatusMethodNotAllowed, "Method not allowed", "").with("Allow", "GET, HEAD")
	mediaType = refused(MediaType, http.StatusUnsupportedMediaType, "Content-Type must be application/json",
		"something other than {sender}, or a proxy that changes Content-Type")
	encoded = refused(ContentEncoding, http.StatusUnsupportedMediaType, "Content-Encoding is not accepted",
		"a proxy that compresses requests; the signature is over the plain body")
	tooLarge = refused(TooLarge, http.StatusRequestEntityTooLarge, "Body over 1 MiB",
		"something other than {sender}: no event is this large").with("Connection", "close")
	missingSignature = refused(MissingSignature, http.StatusUnauthorized, "Missing signature",
		"something other than {sender}, or a proxy that drops or doubles {signature_header}")
	missingTimestamp = refused(MissingTimestamp, http.StatusUnauthorized, "Missing signature",
		"something other than {sender}, or a proxy that drops or doubles {timestamp_header}")
	missingID = refused(MissingID, http.StatusUnauthorized, "Missing id",
		"something other than {sender}, or a proxy that drops or doubles {id_header}")
	missingToken = refused(MissingCredentials, http.StatusUnauthorized, "Missing credentials",
		"something other than {sender}, which must send the header Authorization with Bearer and the token").
		with("WWW-Authenticate", "Bearer")
	missingPassword = refused(MissingCredentials, http.StatusUnauthorized, "Missing credentials",
		"something other than {sender}, which must send the header Authorization with Basic, user and password").
		with("WWW-Authenticate", `Basic realm="webhooks", charset="UTF-8"`)
	badTimestamp = refused(BadTimestamp, http.StatusForbidden, "Invalid signature",
		"something other than {sender}: {timestamp_header} is neither Unix seconds or milliseconds nor RFC 3339")
	badSignature = refused(BadSignature, http.StatusForbidden, "Invalid signature",
		"something other than {sender}: {signature_header} is not {signature}")
	wrongSignature = refused(WrongSignature, http.StatusForbidden, "Invalid signature",
		"wrong signature: was the secret rotated at {sender}? put the new one into {secret}")
	wrongCredentials = refused(WrongCredentials, http.StatusForbidden, "Invalid credentials",
		"wrong credentials: were they changed at {sender}? put the new ones into {secret}")
	slowBody = refused(SlowBody, http.StatusRequestTimeout, "Body came too slowly",
		"a slow network, or somebody who holds connections open").with("Connection", "close")
	cutBody = refused(CutBody, http.StatusBadRequest, "Body incomplete",
		"the connection broke while the body came").with("Connection", "close")
	overloaded = refused(Overloaded, http.StatusServiceUnavailable, "Try again later",
		"too many large bodies at once: somebody may be trying to fill the memory, or events are far larger than "+
			"usual").
		with("Retry-After", "30").with("Connection", "close")
	hungUp      = refused(HungUp, http.StatusServiceUnavailable, "Try again later", "")
	unavailable = refused(Unavailable, http.StatusServiceUnavailable, "Try again later",
		"the event could not be stored: is the disk full, read-only or locked?").with("Retry-After", "30").asError()
	unverifiable = refused(Unverifiable, http.StatusServiceUnavailable, "Try again later",
		"heed cannot verify {sender}, mostly for want of a secret: error says what to do").with("Retry-After", "30")
	panicked = refused(Panicked, http.StatusServiceUnavailable, "Try again later",
		"a fault in heed: please report it").with("Retry-After", "30").asError()
)

func refused(reason Reason, status int, text, cause string) *refusal {
	return &refusal{
		warning: warning{reason: reason, level: slog.LevelWarn, message: refusedMessage, cause: cause},
		status:  status,
		header:  http.Header{"Content-Type": jsonType},
		body:    []byte(`{"error": ` + quote(text) + `}`),
	}
}

func (r *refusal) with(header, value string) *refusal {
	r.header.Set(header, value)
	return r
}

func (r *refusal) asError() *refusal {
	r.level = slog.LevelError
	return r
}

func (r *refusal) write(w http.ResponseWriter) {
	write(w, r.header, r.status, r.body)
}

// Header values and bodies are created once and shared by all responses, as net/http only
// reads them.
var (
	jsonType   = []string{"application/json"}
	jsonHeader = http.Header{"Content-Type": jsonType}
	textHeader = http.Header{"Content-Type": {"text/plain; charset=utf-8"}}

	receivedBody  = []byte(`{"received": true}`)
	duplicateBody = []byte(`{"duplicate": true}`)
)

// writeAnswer responds to a request that the intake accepted: in the format of the
// published contract to its sender, with counts of the events to others.
func writeAnswer(w http.ResponseWriter, s *source.Source, events []intake.Answer) {
	body := countsBody
	if published(s) {
		body = publishedBody
	}
	write(w, jsonHeader, http.StatusOK, body(events))
}

// published reports whether a source uses the published contract.
func published(s *source.Source) bool { return s.Name == source.Mindtickle && s.Mapping == nil }

// publishedBody returns the response for the single event of a request. A redelivered
// quarantined event is a duplicate: nothing new was stored.
func publishedBody(events []intake.Answer) []byte {
	switch a := &events[0]; {
	case a.Duplicate:
		return duplicateBody
	case a.Quarantined != "":
		return quarantinedBody(a.Quarantined)
	default:
		return receivedBody
	}
}

func quarantinedBody(reason string) []byte {
	return []byte(`{"received": true, "quarantined": ` + quote(reason) + `}`)
}

// countsBody counts each event once, with the same precedence as publishedBody.
func countsBody(events []intake.Answer) []byte {
	var duplicates, quarantined int
	for i := range events {
		switch {
		case events[i].Duplicate:
			duplicates++
		case events[i].Quarantined != "":
			quarantined++
		}
	}
	return fmt.Appendf(nil, `{"received": true, "events": %d, "new": %d, "duplicates": %d, "quarantined": %d}`,
		len(events), len(events)-duplicates-quarantined, duplicates, quarantined)
}

func writeText(w http.ResponseWriter, status int, text string) {
	write(w, textHeader, status, []byte(text))
}

func write(w http.ResponseWriter, header http.Header, status int, body []byte) {
	own := w.Header()
	maps.Copy(own, header)
	w.WriteHeader(status)
	// A write fails if the sender is gone. It will send the request again and learn that
	// it is a duplicate.
	_, _ = w.Write(body)
}

func quote(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err) // impossible for a string
	}
	return string(quoted)
}
