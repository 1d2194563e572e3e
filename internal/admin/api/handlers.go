package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/common/model"

	"heed/engine/people"
	"heed/engine/record"
	"heed/internal/admin"
)

// How big the body of a request may be.
const (
	maxSmallBody = 64 << 10
	maxDryRun    = 8 << 20
	maxSheet     = 32 << 20
)

// readBody reads a request's small JSON body; an empty one leaves into as it is.
func readBody(r *http.Request, into any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return badRequest("the body is not what this takes: %v", err)
	}
	return nil
}

// limit returns the parameter ?limit; 0, which the service refuses, if it is not a
// number.
func limit(r *http.Request) int {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return admin.DefaultLimit
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

func (a *api) events(r *http.Request) (any, error) {
	query := r.URL.Query()
	q := admin.EventQuery{
		Type: query.Get("type"), Source: query.Get("source"), Status: record.Status(query.Get("status")),
		User: query.Get("user"),
		Rule: query.Get("rule"), Outcome: query.Get("outcome"), Cursor: query.Get("cursor"), Limit: limit(r),
	}
	var err error
	if q.Since, q.Until, err = span(r); err != nil {
		return nil, err
	}
	return a.Service.Events(r.Context(), q)
}

// span returns the times of ?since and ?until.
func span(r *http.Request) (from, to time.Time, err error) {
	query, now := r.URL.Query(), time.Now()
	if from, err = since("since", query.Get("since"), now); err == nil {
		to, err = since("until", query.Get("until"), now)
	}
	return from, to, err
}

func (a *api) why(r *http.Request) (any, error) {
	query := r.URL.Query()
	q := admin.WhyQuery{
		User: query.Get("user"), Rule: query.Get("rule"), Event: query.Get("event"), Source: query.Get("source"),
		Outcome: query.Get("outcome"),
		Cursor:  query.Get("cursor"), Limit: limit(r),
	}
	var err error
	if q.Since, q.Until, err = span(r); err != nil {
		return nil, err
	}
	return a.Service.Why(r.Context(), q)
}

func (a *api) promote(r *http.Request) (any, error) {
	from, err := since("since", r.URL.Query().Get("since"), time.Now())
	if err != nil {
		return nil, err
	}
	return a.Service.Promote(r.Context(), name(r, "name"), from)
}

// backtest takes {"rules": "…", "against": "active", "since": "7d"}.
func (a *api) backtest(r *http.Request) (any, error) {
	var request struct {
		Rules   string `json:"rules"`
		Against string `json:"against"`
		Since   string `json:"since"`
		Until   string `json:"until"`
	}
	if err := readBody(r, &request); err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	q := admin.BacktestQuery{Rules: request.Rules, Against: request.Against}
	var err error
	if q.Since, err = since("since", cmp.Or(request.Since, "7d"), now); err != nil {
		return nil, err
	}
	if q.Until, err = since("until", cmp.Or(request.Until, "0s"), now); err != nil {
		return nil, err
	}
	return a.Service.Backtest(r.Context(), q)
}

func (a *api) mutes(r *http.Request) (any, error) {
	all, err := boolParameter(r.URL.Query(), "all")
	if err != nil {
		return nil, err
	}
	return a.Service.Mutes(r.Context(), all)
}

// NewMute is the body of a mute: {"rule": "…", "for": "2h", "reason": "…"}.
type NewMute struct {
	Rule   string        `json:"rule"`
	Key    admin.MuteKey `json:"key,omitempty"`
	For    string        `json:"for"`
	Reason string        `json:"reason"`
}

func (a *api) mute(r *http.Request) (any, error) {
	var request NewMute
	if err := readBody(r, &request); err != nil {
		return nil, err
	}
	lasting, err := model.ParseDuration(request.For)
	if err != nil {
		return nil, badRequest("for must be a duration, such as 2h or 3d")
	}
	return a.Service.Mute(r.Context(), request.Rule, string(request.Key), request.Reason, time.Duration(lasting))
}

func (a *api) unmute(r *http.Request) (any, error) {
	query := r.URL.Query()
	return a.Service.Unmute(r.Context(), query.Get("rule"), query.Get("key"))
}

// name returns the id or name in a segment of the path.
func name(r *http.Request, part string) string { return admin.OfSegment(r.PathValue(part)) }

// ask serves what needs no parameters.
func ask[T any](of func(context.Context) (T, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) { return of(r.Context()) }
}

// askBy serves the thing that a part of the path names.
func askBy[T any](part string, of func(context.Context, string) (T, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) { return of(r.Context(), name(r, part)) }
}

// replay takes {"send": true|false}.
func (a *api) replay(r *http.Request) (any, error) {
	var request struct {
		Send bool `json:"send"`
	}
	if err := readBody(r, &request); err != nil {
		return nil, err
	}
	return a.Service.Replay(r.Context(), name(r, "id"), request.Send)
}

func (a *api) deliveries(r *http.Request) (any, error) {
	query := r.URL.Query()
	chosen := admin.Selection{
		State: record.State(query.Get("state")), Action: query.Get("action"), Rule: query.Get("rule"),
	}
	return a.Service.Deliveries(r.Context(), chosen, query.Get("cursor"), limit(r))
}

// ChangeAll is the body of a change of several deliveries.
type ChangeAll struct {
	admin.Selection
	// CountOnly asks how many there are and changes nothing.
	CountOnly bool `json:"count_only"`
}

// changeAll answers {"matching": n} or, when something was changed, {"changed": n}.
func changeAll(
	apply func(_ context.Context, _ admin.Selection, countOnly bool) (int, error),
) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var request ChangeAll
		if err := readBody(r, &request); err != nil {
			return nil, err
		}
		n, err := apply(r.Context(), request.Selection, request.CountOnly)
		if request.CountOnly {
			return map[string]int{"matching": n}, err
		}
		return map[string]int{"changed": n}, err
	}
}

// forget takes {"user": "u-1"} and answers {"events": n}.
func (a *api) forget(r *http.Request) (any, error) {
	var request struct {
		User string `json:"user"`
	}
	if err := readBody(r, &request); err != nil {
		return nil, err
	}
	n, err := a.Service.Forget(r.Context(), request.User)
	return map[string]int{"events": n}, err
}

func (a *api) people(r *http.Request) (any, error) {
	query := r.URL.Query()
	return a.Service.People(r.Context(), query.Get("team"), query.Get("role"), query.Get("cursor"), limit(r))
}

func (a *api) leaderboard(r *http.Request) (any, error) {
	query := r.URL.Query()
	q := people.Query{Team: query.Get("team"), Module: query.Get("module"), Limit: limit(r)}
	var err error
	if by := query.Get("by"); by != "" {
		if q.By, err = people.ParseBy(by); err != nil {
			return nil, badRequest("by: %v", err)
		}
	}
	if q.Since, err = since("since", query.Get("since"), time.Now()); err != nil {
		return nil, err
	}
	return a.Service.Leaderboard(r.Context(), q)
}

// since reads the time that a parameter says; see admin.ParseSince.
func since(name, text string, now time.Time) (time.Time, error) {
	t, err := admin.ParseSince(text, now)
	if err != nil {
		return t, badRequest("%s: %v", name, err)
	}
	return t, nil
}

// ingest takes a file of rows as the body, of any size.
func (a *api) ingest(r *http.Request) (any, error) {
	q := r.URL.Query()
	if q.Get("source") == "" {
		return nil, badRequest("name the source of the rows: ?source=NAME")
	}
	dryRun, err := boolParameter(q, "dry_run")
	if err != nil {
		return nil, err
	}
	return a.Service.Ingest(r.Context(), admin.IngestQuery{
		Source: q.Get("source"), File: q.Get("file"), DryRun: dryRun, Against: q.Get("against"),
	}, r.Body)
}

// boolParameter returns a parameter that is true or false; false if it is absent.
func boolParameter(q url.Values, name string) (bool, error) {
	text := q.Get(name)
	if text == "" {
		return false, nil
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		return false, badRequest("%s is true or false", name)
	}
	return value, nil
}

// importPeople takes a CSV file. With ?dry_run=true it says what it would do and
// answers 200 also for a file with mistakes.
func (a *api) importPeople(r *http.Request) (any, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "text/csv" {
		return nil, &requestError{http.StatusUnsupportedMediaType, "send a CSV file, with Content-Type: text/csv"}
	}
	dryRun, err := boolParameter(r.URL.Query(), "dry_run")
	if err != nil {
		return nil, err
	}
	sheet, err := people.ReadSheet(r.Body)
	if isTooLarge(err) {
		return nil, tooLarge("the file is bigger than 32 MiB: import it in parts")
	}
	if err != nil {
		return nil, badRequest("the file did not arrive whole: %v", err)
	}
	return a.Service.Import(r.Context(), sheet, dryRun)
}

func tooLarge(detail string) error { return &requestError{http.StatusRequestEntityTooLarge, detail} }

func isTooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}

// reload answers 400 with the problems if the rules cannot be used; the old
// ones then stay active.
func (a *api) reload(r *http.Request) (any, error) {
	problems, err := a.Service.Reload(r.Context())
	return map[string]any{"reloaded": true, "problems": problems}, err
}

// dryRun takes {"rules": "…", "events": [{…}]}.
func (a *api) dryRun(r *http.Request) (any, error) {
	var request struct {
		Rules  string            `json:"rules"`
		Events []json.RawMessage `json:"events"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); isTooLarge(err) {
		return nil, tooLarge("a dry run takes at most 8 MiB; send the events in parts")
	} else if err != nil {
		const shape = `{"rules": "the text of a rule file", "events": [{"event": …, "companyId": …, "data": {…}}]}`
		return nil, badRequest("send %s: %v", shape, err)
	}
	bodies := make([][]byte, len(request.Events))
	for i, e := range request.Events {
		bodies[i] = e
	}
	return a.Service.DryRun(r.Context(), request.Rules, bodies)
}
