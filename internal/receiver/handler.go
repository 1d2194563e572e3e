// Package receiver owns the public listener: it verifies a webhook request,
// hands it to the intake and answers with what became of it, durably. It also
// owns the signing secrets, the signature itself and the listener's limits.
// Only internal/app and cmd/heed import it; of heed's it imports engine/intake alone.
package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"heed/engine/intake"
	"heed/engine/source"
)

// The paths that the listener answers; there are no others.
const (
	WebhookPath = "/webhooks/mindtickle"
	HealthyPath = "/-/healthy"
	ReadyPath   = "/-/ready"
)

// acceptTimeout bounds the wait for the store. Longer, and the answer would
// come after the server's WriteTimeout, to nobody.
const acceptTimeout = 15 * time.Second

// Keys verifies signatures. Keyring is one.
type Keys interface {
	// Verify reports whether mac is the MAC of timestamp, the header as it
	// came, and body under one of the secrets. The time it takes does not
	// depend on which byte of a mac is wrong.
	Verify(timestamp string, body, mac []byte) bool
}

// Intake takes verified requests. The intake of engine/intake is one.
type Intake interface {
	// Accept returns what became of each event of the request once that is
	// durable. An error means that nothing is stored and that the sender is to
	// come again.
	Accept(ctx context.Context, r intake.Request) ([]intake.Answer, error)
}

// Observer is told what the handler answers. It is called from many
// goroutines, before the answer is written.
type Observer interface {
	// Answered is called for each request that was stored or known before,
	// with the time that Accept took.
	Answered(events []intake.Answer, took time.Duration)
	// Refused is called for each request that was not taken, unavailable
	// stores and panics included.
	Refused(why Reason)
}

// Options are what a Handler needs. All are required.
type Options struct {
	Keys   Keys
	Intake Intake
	// Ready returns why the program cannot take events now, nil if it can. The
	// reason is for the log of whoever returns it: the answer does not show it.
	Ready   func() error
	Observe Observer
	Log     *slog.Logger
	Now     func() time.Time
}

func (o Options) validate() error {
	missing := func(name string, is bool) error {
		if !is {
			return nil
		}
		return fmt.Errorf("receiver: option %s is missing", name)
	}
	return errors.Join(
		missing("Keys", o.Keys == nil),
		missing("Intake", o.Intake == nil),
		missing("Ready", o.Ready == nil),
		missing("Observe", o.Observe == nil),
		missing("Log", o.Log == nil),
		missing("Now", o.Now == nil),
	)
}

// Handler answers the public listener.
type Handler struct {
	keys     Keys
	intake   Intake
	ready    func() error
	draining atomic.Bool
	observe  Observer
	now      func() time.Time
	warnings *warnings
	bodies   *budget
}

// New returns the handler of the public listener. The error names every
// missing option.
func New(o Options) (*Handler, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Handler{
		keys: o.Keys, intake: o.Intake, ready: o.Ready, observe: o.Observe, now: o.Now,
		warnings: newWarnings(o.Log, o.Now), bodies: newBudget(maxBodies),
	}, nil
}

// Drain makes each answer from now on the last of its connection. A server that
// is shut down a moment later then has no connection on which a request may
// just be on its way.
func (h *Handler) Drain() { h.draining.Store(true) }

// ServeHTTP is the whole route table. There is no ServeMux, since it answers
// an unclean path with a redirect, and a webhook sender needs none.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer h.recoverPanic(w, r)
	if h.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	switch r.URL.Path {
	case WebhookPath:
		if r.Method != http.MethodPost {
			h.refuse(w, r, notPosted, nil)
			return
		}
		h.webhook(w, r)
	case HealthyPath:
		h.health(w, r, nil)
	case ReadyPath:
		h.health(w, r, h.ready)
	default:
		why := notFound
		if len(r.Header[SignatureHeader]) > 0 {
			why = misdirected
		}
		h.refuse(w, r, why, nil)
	}
}

// published is the source of the published contract.
var published = source.MindtickleSource()

// webhook takes one delivery: the headers first, since they are cheap and
// refuse most of what is not MindTickle's; then the body; then the signature.
func (h *Handler) webhook(w http.ResponseWriter, r *http.Request) {
	signed, why := checkHeaders(r)
	if why != nil {
		var detail error
		if why == badTimestamp {
			detail = errors.New("the timestamp has the form " + formOf(signed.timestamp))
		}
		h.refuse(w, r, why, detail)
		return
	}
	body, held, why := readBody(w, r, h.bodies)
	if why != nil {
		h.refuse(w, r, why, nil)
		return
	}
	defer h.bodies.give(held)
	if !h.keys.Verify(signed.timestamp, body, signed.mac) {
		h.refuse(w, r, wrongSignature, nil)
		return
	}
	id, usable := eventID(r.Header)
	if !usable {
		h.warnings.note(unusableID, r.RemoteAddr, nil)
	}
	h.accept(w, r, intake.Request{Source: published, ID: id, SignedAt: signed.at, Signature: signed.mac, Body: body})
}

// accept hands a verified request over and answers. The request's own context
// ends when the sender hangs up: it will come again, so nobody waits for it.
func (h *Handler) accept(w http.ResponseWriter, r *http.Request, request intake.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), acceptTimeout)
	defer cancel()
	start := h.now()
	events, err := h.intake.Accept(ctx, request)
	switch {
	case err == nil:
		h.observe.Answered(events, h.now().Sub(start))
		writeAnswer(w, events[0])
	case r.Context().Err() != nil:
		h.refuse(w, r, hungUp, nil)
	case errors.Is(err, intake.ErrOverloaded):
		h.refuse(w, r, overloaded, err)
	default:
		h.refuse(w, r, unavailable, err)
	}
}

// health answers a probe. Why the program is not ready is not for the public.
func (h *Handler) health(w http.ResponseWriter, r *http.Request, check func() error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.refuse(w, r, notRead, nil)
		return
	}
	if check != nil && check() != nil {
		writeText(w, http.StatusServiceUnavailable, "not ready")
		return
	}
	writeText(w, http.StatusOK, "ok")
}

// refuse counts, perhaps warns, and answers.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, why *refusal, err error) {
	h.observe.Refused(why.reason)
	h.warnings.note(&why.warning, r.RemoteAddr, err)
	why.write(w)
}

// recoverPanic turns a panic into a 503. net/http would recover it too, but drop
// the connection without an answer and log past the log's level and format.
func (h *Handler) recoverPanic(w http.ResponseWriter, r *http.Request) {
	if p := recover(); p != nil {
		h.refuse(w, r, panicked, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}
}
