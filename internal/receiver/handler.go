// Package receiver owns the public listener. It finds the source of a webhook request by
// its path, verifies the request by the source's scheme, passes it to the intake and
// responds with the durable result. It also owns the secrets, the schemes and the
// listener's limits. Only internal/app and cmd/heed import it; of heed's packages it
// imports only engine/intake, engine/source and internal/plain.
package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"sync/atomic"
	"time"

	"heed/engine/intake"
	"heed/engine/source"
	"heed/internal/plain"
)

// The paths that the listener serves besides those of the sources.
const (
	healthyPath = "/-/healthy"
	readyPath   = "/-/ready"
)

// acceptTimeout limits the wait for the store. After a longer wait, the server's
// WriteTimeout would close the connection before the response.
const acceptTimeout = 15 * time.Second

// An Intake accepts verified requests. The intake of engine/intake implements it.
type Intake interface {
	// Accept returns the result for each event of the request, once it is durable. An
	// error means that nothing is stored and that the sender must send the request again.
	Accept(ctx context.Context, r intake.Request) ([]intake.Answer, error)
}

// An Observer is notified of the handler's responses, with the context of the request. It
// is called concurrently, before the response is written.
type Observer interface {
	// Answered is called for each request that was stored or already known, with the time
	// that Accept took.
	Answered(ctx context.Context, events []intake.Answer, took time.Duration)
	// Refused is called for each request that was not accepted, including those that met
	// an unavailable store or a panic. source is empty if no source has the path.
	Refused(ctx context.Context, source string, why Reason)
}

// Options are what a Handler needs. All but Keys are required.
type Options struct {
	// Sources returns the active sources. A different pointer means a different set.
	Sources func() *source.Set
	// Keys are the secrets of the published contract, for sources that name none of their
	// own; nil if heed was started without.
	Keys *Keyring
	// LookupEnv looks up secrets in environment variables.
	LookupEnv func(string) (string, bool)
	Intake    Intake
	// Ready returns why the program cannot currently accept events, or nil. The response
	// does not show the reason; whoever returns it should log it.
	Ready   func() error
	Observe Observer
	// TrustedProxies are the addresses whose X-Forwarded-For is trusted, for the log;
	// empty for none.
	TrustedProxies []netip.Prefix
	Log            *slog.Logger
	Now            func() time.Time
}

func (o Options) validate() error {
	missing := func(name string, is bool) error {
		if !is {
			return nil
		}
		return fmt.Errorf("receiver: option %s is missing", name)
	}
	return errors.Join(
		missing("Sources", o.Sources == nil),
		missing("LookupEnv", o.LookupEnv == nil),
		missing("Intake", o.Intake == nil),
		missing("Ready", o.Ready == nil),
		missing("Observe", o.Observe == nil),
		missing("Log", o.Log == nil),
		missing("Now", o.Now == nil),
	)
}

// A Handler serves the public listener.
type Handler struct {
	router   *router
	intake   Intake
	ready    func() error
	draining atomic.Bool
	observe  Observer
	now      func() time.Time
	warnings *warnings
	bodies   *budget
	// trusted are the proxies whose X-Forwarded-For is trusted.
	trusted []netip.Prefix
}

// New returns the handler of the public listener. The error names every missing option.
func New(o Options) (*Handler, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Handler{
		router: newRouter(o), intake: o.Intake, ready: o.Ready, observe: o.Observe, now: o.Now,
		warnings: newWarnings(o.Log, o.Now), bodies: newBudget(maxBodies), trusted: o.TrustedProxies,
	}, nil
}

// Drain makes each response from now on close its connection, so that a server shut down
// shortly afterwards has no open connection on which a request may be arriving.
func (h *Handler) Drain() { h.draining.Store(true) }

// ServeHTTP routes a request. It does not use a ServeMux, which would redirect a path
// that is not clean: senders of webhooks do not follow redirects.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var of *source.Source
	defer h.recoverPanic(w, r, &of)
	// net/http ignores a Content-Length sent along with chunks. A proxy in front may have
	// used the Content-Length, so the connection must not be reused (RFC 9112, 6.1).
	if h.draining.Load() || len(r.TransferEncoding) > 0 {
		w.Header().Set("Connection", "close")
	}
	switch r.URL.Path {
	case healthyPath:
		h.health(w, r, nil)
	case readyPath:
		h.health(w, r, h.ready)
	default:
		table := h.router.table()
		to := table.route(r.URL.Path)
		if to == nil {
			h.refuseUnknown(w, r, table)
			return
		}
		of = to.source
		h.webhook(w, r, to)
	}
}

// webhook handles one request. It checks the headers first, which is cheap and rejects
// most requests from others than the source, then reads the body and verifies it.
func (h *Handler) webhook(w http.ResponseWriter, r *http.Request, to *route) {
	if r.Method != http.MethodPost {
		h.refuse(w, r, to.source, notPosted, nil)
		return
	}
	if why := checkForm(r, to.source); why != nil {
		h.refuse(w, r, to.source, why, nil)
		return
	}
	claim, why, err := to.verifier.inspect(r)
	if why != nil {
		h.refuse(w, r, to.source, why, err)
		return
	}
	body, held, why := readBody(w, r, h.bodies)
	if why != nil {
		h.refuse(w, r, to.source, why, nil)
		return
	}
	defer h.bodies.give(held)
	mac, why := to.verifier.verify(claim, body)
	if why != nil {
		h.refuse(w, r, to.source, why, nil)
		return
	}
	h.accept(w, r, h.request(r, to.source, claim, mac, body))
}

// request returns the intake's Request for a verified request.
func (h *Handler) request(r *http.Request, s *source.Source, c claim, mac, body []byte) intake.Request {
	id, usable := eventID(r.Header[s.Verify.HMAC.IDHeader])
	if !usable {
		h.warnings.note(s, unusableID, h.client(r), nil)
	}
	request := intake.Request{Source: s, ID: id, SignedAt: c.at, Signature: mac, Body: withoutMark(body)}
	if s.Mapping != nil {
		request.Header, request.Query = mappedHeader(r.Header, s.Verify.HMAC.SignatureHeader), mappedQuery(r.URL)
	}
	return request
}

// accept passes a verified request to the intake and responds. If the sender hangs up,
// the context ends and accept gives up: the sender will send the request again.
func (h *Handler) accept(w http.ResponseWriter, r *http.Request, request intake.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), acceptTimeout)
	defer cancel()
	start := h.now()
	events, err := h.intake.Accept(ctx, request)
	switch {
	case err == nil:
		h.observe.Answered(ctx, events, h.now().Sub(start))
		writeAnswer(w, request.Source, events)
	case r.Context().Err() != nil:
		h.refuse(w, r, request.Source, hungUp, nil)
	case errors.Is(err, intake.ErrOverloaded):
		h.refuse(w, r, request.Source, overloaded, err)
	default:
		h.refuse(w, r, request.Source, unavailable, err)
	}
}

// health responds to a probe. It does not say why the program is not ready, since anybody
// can ask.
func (h *Handler) health(w http.ResponseWriter, r *http.Request, check func() error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.refuse(w, r, nil, notRead, nil)
		return
	}
	if check != nil && check() != nil {
		writeText(w, http.StatusServiceUnavailable, "not ready")
		return
	}
	writeText(w, http.StatusOK, "ok")
}

// refuse counts a refused request, logs a warning if one is due, and responds. s is nil
// if no source has the path.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, s *source.Source, why *refusal, err error) {
	name := ""
	if s != nil {
		name = s.Name
	}
	h.observe.Refused(r.Context(), name, why.reason)
	h.warnings.note(s, &why.warning, h.client(r), err)
	why.write(w)
}

// refuseUnknown refuses a path that no source has. A signature header shows which source
// was meant.
func (h *Handler) refuseUnknown(w http.ResponseWriter, r *http.Request, t *table) {
	if s := t.meant(r.Header); s != nil {
		h.warnings.note(s, misdirected, h.client(r), nil)
	}
	h.refuse(w, r, nil, notFound, nil)
}

// recoverPanic turns a panic into a 503. net/http would recover it too, but drop
// the connection without an answer and log past the log's level and format.
func (h *Handler) recoverPanic(w http.ResponseWriter, r *http.Request, of **source.Source) {
	if p := recover(); p != nil {
		h.refuse(w, r, *of, panicked, fmt.Errorf("panic: %s\n%s", plain.Panic(p), debug.Stack()))
	}
}
