// Package admin owns the service that answers questions about what heed
// remembers and changes it for a person. It takes and returns plain Go values: it
// parses no requests and renders no responses. internal/admin/api shows it as
// JSON, over a running server's store or, for the command line, over a data
// directory that no server holds. Its values have the names that JSON gives them.
package admin

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"heed/engine"
	"heed/engine/backtest"
	"heed/engine/document"
	"heed/engine/people"
	"heed/engine/record"
	"heed/engine/ruletest"
	"heed/engine/state"
)

// Store is what the service reads and changes. internal/store is one.
type Store interface {
	Events(context.Context, record.EventFilter) ([]record.Event, error)
	Event(ctx context.Context, id string) (record.Event, bool, error)
	EventsByID(ctx context.Context, id string) ([]record.Event, error)
	Deliveries(context.Context, record.DeliveryFilter) (page []record.Delivery, next string, err error)
	Delivery(ctx context.Context, id string) (record.Delivery, []record.Attempt, bool, error)
	EventBySeq(ctx context.Context, seq int64) (record.Event, bool, error)
	LastGood() record.LastGood

	// Users returns the persons whom events are about, by the events' numbers.
	Users(ctx context.Context, seqs []int64) (map[int64]string, error)
	// PendingByAction and PendingTimers count what is or will be due, and
	// CountDeliveries the deliveries in a state other than done.
	PendingByAction(context.Context) (map[string]int, error)
	PendingTimers(context.Context) (map[string]int, error)
	CountDeliveries(context.Context, record.State) (int, error)
	// Processes returns the processes that share the store; none if it is not shared.
	Processes(context.Context) ([]record.Process, error)
	// Tallies returns the counts since each of some times, the earliest first, for each
	// rule and outcome.
	Tallies(ctx context.Context, since ...time.Time) ([]record.TallySum, error)
	// Failing are the actions that keep failing, and since when.
	Failing(ctx context.Context) (since map[string]time.Time, err error)
	// ScopeSince is when a rule began to keep the state of a scope; zero if it keeps none.
	ScopeSince(ctx context.Context, scope state.Scope) (time.Time, error)
	// ShadowAlerts counts what a rule in shadow mode would have sent.
	ShadowAlerts(ctx context.Context, rule string, since time.Time) (record.ShadowAlerts, error)

	Mutes(context.Context) ([]state.Mute, error)
	AddMute(context.Context, state.Mute) (state.Mute, error)
	// EndMutes ends the mutes of a rule, or of one key of it, and returns them.
	EndMutes(ctx context.Context, rule, key string, now time.Time) ([]state.Mute, error)

	// AddAudit records what somebody did; Audit lists that, newest first.
	AddAudit(context.Context, record.Audit) error
	Audit(ctx context.Context, before int64, limit int) ([]record.Audit, error)
	// EventsByHour counts the accepted events of each hour since a time.
	EventsByHour(ctx context.Context, since time.Time) ([]record.HourCount, error)
	// CountChanging counts, up to a limit, the deliveries that a retry or a discard of
	// those that a filter chooses would change.
	CountChanging(ctx context.Context, f record.DeliveryFilter, retry bool, most int) (int, error)
	// DeadDeliveries returns a page of the deliveries that were given up, newest first.
	DeadDeliveries(
		ctx context.Context, action, cursor string, limit int,
	) (dead []record.DeadDelivery, next string, err error)

	Retry(ctx context.Context, f record.DeliveryFilter, now time.Time) (int, error)
	Discard(ctx context.Context, f record.DeliveryFilter) (int, error)
}

// People is what the service knows about the people in the events. people.Projection
// implements it, in memory.
type People interface {
	Person(ctx context.Context, id string) (person people.Person, items []people.Item, known bool, err error)
	List(context.Context, people.Filter) ([]people.Person, error)
	Leaderboard(context.Context, people.Query) ([]people.Standing, error)
	Progress(context.Context, people.ProgressQuery) (people.Progress, error)
	// Plan says what Import would do.
	Plan(context.Context, []people.Record) (people.Plan, error)
	Import(ctx context.Context, records []people.Record, now time.Time) (people.Plan, error)
	// Forget deletes a person's events and all that is known of the person. It
	// returns how many events.
	Forget(ctx context.Context, user string) (events int, err error)
}

// Options are what a Service needs. Rules, HasAction, Reload, LastReload, Replay and
// DryRun need a running server, and are nil without one.
type Options struct {
	Store  Store
	People People
	// RuleSet finds the rule set that decided an event, by its hash.
	RuleSet func(ctx context.Context, hash string) (*engine.RuleSet, error)
	// Rules returns the active rule set.
	Rules func() *engine.RuleSet
	// HasAction says whether an action is configured.
	HasAction func(name string) bool
	// Reload loads the rules again; problems are those of the rule files.
	Reload func(context.Context) (problems []document.Problem, err error)
	// LastReload says how the last attempt to load the rules went; nil if none
	// is known.
	LastReload func() *LastReload
	// Replay decides a stored event again, by the current rules; with send it stores
	// and sends what follows.
	Replay func(ctx context.Context, e record.Event, send bool) ([]engine.Decision, []record.Delivery, error)
	// DryRun decides events by the rules in a text, or by the active ones if it is
	// empty, and sends nothing. There is one result for each event. The error says what
	// cannot be used; if that is the text, the problems are those of the text.
	DryRun func(ctx context.Context, rules string, events [][]byte) ([]ruletest.Result, []document.Problem, error)
	// Backtest runs rules over the recorded events. The problems are those of a
	// text that cannot be used.
	Backtest func(context.Context, BacktestQuery) (backtest.Result, []document.Problem, error)
	// Ingest reads a file of rows into the store or, in a dry run, says what would
	// happen.
	Ingest func(ctx context.Context, q IngestQuery, file io.Reader) (Ingested, error)
	// RuleFiles reads and writes the rule files of a running server.
	RuleFiles RuleFiles
	// LastSuccess is when something arrived last, by action, since the start.
	LastSuccess func() map[string]time.Time
	// FailingTests counts the tests that fail, by rule.
	FailingTests func() map[string]int
	// Ready says why the server is not ready; nil if it is.
	Ready func() error
	// Unsubscribed are event types that the rules need and no webhook sends.
	Unsubscribed func() []string
	// SilentAfter is the silence of the source after which something is wrong; 0
	// for never.
	SilentAfter time.Duration
	Version     string
	Now         func() time.Time
	Log         *slog.Logger
}

// Service answers questions. Its methods may be called from many goroutines at
// once. Their errors are an *Error, or those of the store.
type Service struct {
	o           Options
	backtesting sync.Mutex
	checking    sync.Mutex
	lastSums    lastSums
	lastCauses  lastCauses
	pseudonyms  pseudonyms
	jobs        jobs
	feed        feed
	large       chan struct{} // see BeginLarge
}

// New makes a Service.
func New(o Options) *Service { return &Service{o: o, large: make(chan struct{}, largeAtOnce)} }

// Kind says what kind of error an Error is.
type Kind int

// The kinds of errors.
const (
	Invalid  Kind = iota // what was asked for makes no sense
	NotFound             // there is no such thing
	Conflict             // it cannot be done as things are
	Busy                 // it can be done in a moment
)

// Error says why something cannot be done. Its text is for the user.
type Error struct {
	Kind Kind
	Text string
	// Problems, if not nil, is a list of what is wrong in a rule file or a sheet.
	Problems any
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

func errorf(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...)}
}

// errNoServer says that only a running server can do it.
var errNoServer = errorf(Conflict, "only a running server has active rules: start heed serve first")

// How many things a page has: DefaultLimit unless a limit is given.
const (
	DefaultLimit = 50
	maxLimit     = 500
)

// checkLimit refuses an invalid page size.
func checkLimit(n int) error {
	if n < 1 || n > maxLimit {
		return errorf(Invalid, "limit is a number from 1 to %d", maxLimit)
	}
	return nil
}

var errCursor = errorf(Invalid, "cursor is not one that a page gave")

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Source is what is known about the source of the events.
type Source struct {
	// LastGoodAt is when the last event came that shows that the source works:
	// from outside, verified, new, and signed within the accepted window. The
	// zero time if none ever did.
	LastGoodAt time.Time `json:"last_good_at,omitzero"`
	// LastGood is that event; nil if it was deleted since.
	LastGood *record.Event `json:"last_good,omitempty"`
}

// Source says whether events come.
func (s *Service) Source(ctx context.Context) (Source, error) {
	last := s.o.Store.LastGood()
	shown := Source{LastGoodAt: last.At}
	e, ok, err := s.o.Store.EventBySeq(ctx, last.Seq)
	if ok {
		shown.LastGood = &e
	}
	return shown, err
}
