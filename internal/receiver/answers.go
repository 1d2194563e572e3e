package receiver

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"heed/engine/intake"
)

// Reason is why a request was refused: a short stable word, fit for a metric
// label. The sender never sees it.
type Reason string

// The reasons, each with the answer's status.
const (
	NotFound         Reason = "not_found"         // 404
	Method           Reason = "method"            // 405
	MediaType        Reason = "media_type"        // 415
	ContentEncoding  Reason = "content_encoding"  // 415
	TooLarge         Reason = "too_large"         // 413
	MissingSignature Reason = "missing_signature" // 401; also empty or twice
	MissingTimestamp Reason = "missing_timestamp" // 401; also empty or twice
	BadTimestamp     Reason = "bad_timestamp"     // 403; neither Unix nor RFC 3339
	BadSignature     Reason = "bad_signature"     // 403; not 64 hex digits
	WrongSignature   Reason = "wrong_signature"   // 403; no secret made it
	SlowBody         Reason = "slow_body"         // 408
	CutBody          Reason = "cut_body"          // 400
	Overloaded       Reason = "overloaded"        // 503; no memory for the body
	HungUp           Reason = "hung_up"           // 503, which nobody reads
	Unavailable      Reason = "unavailable"       // 503
	Panicked         Reason = "panic"             // 503
)

// Reasons are all reasons, for whoever wants their counters to start at zero.
var Reasons = []Reason{
	NotFound, Method, MediaType, ContentEncoding, TooLarge,
	MissingSignature, MissingTimestamp, BadTimestamp, BadSignature, WrongSignature,
	SlowBody, CutBody, Overloaded, HungUp, Unavailable, Panicked,
}

// refusal is one way in which a request is refused.
type refusal struct {
	warning
	status int
	header http.Header
	body   []byte
}

// The refusals: reason, status, what the sender reads, and the likely cause
// that the log tells the operator. One without a cause is only counted.
var (
	notFound    = refused(NotFound, http.StatusNotFound, "Not found", "")
	misdirected = refused(NotFound, http.StatusNotFound, "Not found",
		"the webhook's URL at MindTickle must end in "+WebhookPath)
	notPosted = refused(Method, http.StatusMethodNotAllowed, "Method not allowed", "").with("Allow", "POST")
	notRead   = refused(Method, http.StatusMethodNotAllowed, "Method not allowed", "").with("Allow", "GET, HEAD")
	mediaType = refused(MediaType, http.StatusUnsupportedMediaType, "Content-Type must be application/json",
		"something other than MindTickle, or a proxy that changes Content-Type")
	encoded = refused(ContentEncoding, http.StatusUnsupportedMediaType, "Content-Encoding is not accepted",
		"a proxy that compresses requests; the signature is over the plain body")
	tooLarge = refused(TooLarge, http.StatusRequestEntityTooLarge, "Body over 1 MiB",
		"something other than MindTickle: no event is this large").with("Connection", "close")
	missingSignature = refused(MissingSignature, http.StatusUnauthorized, "Missing signature",
		"something other than MindTickle, or a proxy that drops or doubles "+SignatureHeader)
	missingTimestamp = refused(MissingTimestamp, http.StatusUnauthorized, "Missing signature",
		"something other than MindTickle, or a proxy that drops or doubles "+TimestampHeader)
	badTimestamp = refused(BadTimestamp, http.StatusForbidden, "Invalid signature",
		"something other than MindTickle: "+TimestampHeader+" is neither Unix seconds or milliseconds nor RFC 3339")
	badSignature = refused(BadSignature, http.StatusForbidden, "Invalid signature",
		"something other than MindTickle: "+SignatureHeader+" is not 64 hex digits")
	wrongSignature = refused(WrongSignature, http.StatusForbidden, "Invalid signature",
		"wrong signature: was the secret rotated at MindTickle? put the new one into the secret file")
	slowBody = refused(SlowBody, http.StatusRequestTimeout, "Body came too slowly",
		"a slow network, or somebody who holds connections open").with("Connection", "close")
	cutBody = refused(CutBody, http.StatusBadRequest, "Body incomplete",
		"the connection broke while the body came").with("Connection", "close")
	overloaded = refused(Overloaded, http.StatusServiceUnavailable, "Try again later",
		"too many large bodies at once: somebody may be trying to fill the memory, or events are far larger than usual").
		with("Retry-After", "30").with("Connection", "close")
	hungUp      = refused(HungUp, http.StatusServiceUnavailable, "Try again later", "")
	unavailable = refused(Unavailable, http.StatusServiceUnavailable, "Try again later",
		"the event could not be stored: is the disk full, read-only or locked?").with("Retry-After", "30").asError()
	panicked = refused(Panicked, http.StatusServiceUnavailable, "Try again later",
		"a fault in heed: please report it").with("Retry-After", "30").asError()
)

func refused(reason Reason, status int, text, cause string) *refusal {
	return &refusal{
		warning: warning{reason: reason, level: slog.LevelWarn, message: "webhook requests refused", cause: cause},
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

// Header values and bodies are made once and shared by all answers: net/http
// reads them only.
var (
	jsonType   = []string{"application/json"}
	jsonHeader = http.Header{"Content-Type": jsonType}
	textHeader = http.Header{"Content-Type": {"text/plain; charset=utf-8"}}

	receivedBody  = []byte(`{"received": true}`)
	duplicateBody = []byte(`{"duplicate": true}`)
)

// writeAnswer answers a request that the intake took. A redelivery of a
// quarantined event is a duplicate: nothing was stored anew.
func writeAnswer(w http.ResponseWriter, a intake.Answer) {
	body := receivedBody
	switch {
	case a.Duplicate:
		body = duplicateBody
	case a.Quarantined != "":
		body = quarantinedBody(a.Quarantined)
	}
	write(w, jsonHeader, http.StatusOK, body)
}

func quarantinedBody(reason string) []byte {
	return []byte(`{"received": true, "quarantined": ` + quote(reason) + `}`)
}

func writeText(w http.ResponseWriter, status int, text string) {
	write(w, textHeader, status, []byte(text))
}

func write(w http.ResponseWriter, header http.Header, status int, body []byte) {
	own := w.Header()
	for name, values := range header {
		own[name] = values
	}
	w.WriteHeader(status)
	// A write fails when the sender is gone; it will come again and be told
	// that this was a duplicate.
	_, _ = w.Write(body)
}

func quote(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(quoted)
}
