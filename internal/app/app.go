// Package app owns heed's wiring and lifecycle: it makes the parts, which do not
// know each other, joins them, and starts and stops them. The data's way through
// them is receiver → intake → store → delivery loop → actions. What the parts
// report becomes metrics, log lines and notices here. Only cmd/heed imports it.
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"heed/actions"
	"heed/actions/delivery"
	"heed/engine"
	"heed/engine/document"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/intake"
	"heed/engine/people"
	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/ruletest"
	"heed/engine/source"
	"heed/internal/admin"
	"heed/internal/admin/access"
	"heed/internal/admin/api"
	"heed/internal/admin/console"
	"heed/internal/inbox"
	"heed/internal/metrics"
	"heed/internal/notice"
	"heed/internal/receiver"
	"heed/internal/store"
)

// Options are what a running heed needs. New validates them.
type Options struct {
	// Rules is a rule file or a directory of rule files.
	Rules string
	// Data is the directory of the store, unless Store is the URL of a database of
	// PostgreSQL, which other processes may use as well.
	Data, Store string
	// Listen and Admin are the addresses of the two listeners.
	Listen, Admin string
	// Path is where the published webhook comes in unless the rule files say so; empty
	// for that of the published contract.
	Path string
	// Tokens, if not nil, gives the tokens that open the admin listener.
	Tokens func() *access.Tokens
	// RulesWritable lets people save rule files in the console.
	RulesWritable bool
	// Keys are the signing secrets of the published webhook; nil if heed has none.
	Keys *receiver.Keyring
	// Offline says that nothing is going to be served: no secret is needed.
	Offline bool
	// Certs, if not nil, make the public listener speak TLS.
	Certs *receiver.CertReloader
	// Company, if not empty, is the only company whose events are used.
	Company string
	// MaxAge and MaxAhead are the accepted window around an event's signed time.
	MaxAge, MaxAhead time.Duration
	// Retention is how long events are kept, at least an hour.
	Retention time.Duration
	// SilentAfter is the silence after which the source is reported; 0 for never.
	SilentAfter time.Duration
	// Settle is how long after the start waits are left alone that came due before.
	Settle time.Duration
	// IdleTimeout is how long a connection of the receiver stays open between
	// requests; 0 for DefaultIdleTimeout. TrustedProxies are believed who sent one.
	IdleTimeout    time.Duration
	TrustedProxies []netip.Prefix
	// DrainDelay is how long events are still accepted once Run is to end.
	DrainDelay time.Duration
	// NoSend records deliveries as held and sends none.
	NoSend bool
	// RequireTests refuses rule files whose tests fail.
	RequireTests bool
	Version      string
	LookupEnv    LookupEnv
	Log          *slog.Logger
	// Stored, if not nil, is called for every event that was stored, with the context
	// of what made it.
	Stored func(context.Context, *record.Event, []engine.Decision, []record.Delivery)
	// Reloaded, if not nil, is called after every attempt to load the rules, with the
	// context of who asked for it.
	Reloaded func(context.Context, rulefile.Attempt)
	// WrapStore, if not nil, gives what the intake and the delivery loop use instead
	// of the store: the torture lets that break its promises, and crash.
	WrapStore func(Store) Store
}

// Store is what the intake and the delivery loop need of the store.
type Store interface {
	intake.Store
	delivery.Queue
}

// The defaults of the window around an event's signed time, whose last redelivery
// comes seven and a half hours after the first, and of the retention.
const (
	DefaultMaxAge    = 8 * time.Hour
	DefaultMaxAhead  = 5 * time.Minute
	DefaultRetention = 90 * 24 * time.Hour
)

// DefaultIdleTimeout is longer than the load balancers of the large clouds keep an
// idle connection: up to ten minutes.
const DefaultIdleTimeout = 620 * time.Second

// MinRetention is the least Options.Retention.
const MinRetention = time.Hour

func (o *Options) validate() error {
	switch {
	case o.Rules == "" || o.Data == "" && o.Store == "" || o.Listen == "" || o.Admin == "":
		return errors.New("app: Rules, Data or Store, Listen and Admin are needed")
	case o.LookupEnv == nil || o.Log == nil:
		return errors.New("app: LookupEnv and Log are needed")
	case min(o.MaxAge, o.MaxAhead, o.SilentAfter, o.DrainDelay, o.Settle) < 0:
		return errors.New("app: MaxAge, MaxAhead, SilentAfter, DrainDelay and Settle must not be negative")
	case o.Retention < MinRetention:
		return fmt.Errorf("app: Retention is %s and must be at least %s", o.Retention, MinRetention)
	default:
		return nil
	}
}

// People is who the people in the events are, as rules and the admin service ask.
// people.Projection is one, in memory.
type People interface {
	admin.People
	// As is what is known once the event, signed at that time, counts. Whoever asks it
	// may have to wait; if the context ends meanwhile nothing is known.
	As(ctx context.Context, e *event.Event, signedAt time.Time) people.View
	// Learn is called after the commit of every event; see intake.Options.Learn.
	Learn(context.Context, *record.Event, *event.Event)
	// Run does what is to be done in the background until the context ends.
	Run(context.Context)
}

// App is a running heed.
type App struct {
	Options
	store      *store.DB
	people     People
	watcher    *rulefile.Watcher
	metrics    *metrics.Metrics
	intake     *intake.Intake
	notices    *notice.Notifier
	loop       *delivery.Loop
	timers     *intake.Timers
	inbox      *inbox.Inbox
	overflowed sync.Map // rules that were reported to have too many keys
	effects    lateWork
	tallies    tallies
	failing    atomic.Pointer[map[string]int] // tests that fail, by rule
	writing    sync.Mutex                     // of rule files
	admin      *admin.Service
	draining   atomic.Bool
	lastReload atomic.Pointer[rulefile.Attempt]
	// activeSources are those of the active rule set that can be used.
	activeSources atomic.Pointer[source.Set]

	handler                     *receiver.Handler
	public, private             *http.Server
	previews                    previews
	tracing                     *tracing
	publicAddress, adminAddress net.Listener
}

// New does everything that can fail before the first event: when it returns
// without an error, both listeners accept connections. On an error it closes
// what it opened. The error is a *rulefile.ProblemsError if the rule files could
// be read but not used.
func New(ctx context.Context, o Options) (*App, error) {
	a, err := assemble(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := a.listen(); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// assemble makes the parts and joins them. Nothing listens yet.
func assemble(ctx context.Context, o Options) (_ *App, err error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	a := &App{Options: o, metrics: metrics.New(o.Version, event.Standard().Names())}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	if a.store, err = store.Open(ctx, store.Options{
		Dir: o.Data, URL: o.Store, Log: o.Log, ObserveBatch: a.metrics.Committed,
	}); err != nil {
		return nil, err
	}
	if !o.Offline {
		warnOfOpenData(o.Data, o.Log)
	}
	a.metrics.WatchPending(a.store.PendingByAction)
	a.metrics.WatchLastGood(a.lastGood)
	a.metrics.WatchState(a.store.StateKeys, a.store.PendingTimers)
	a.metrics.WatchProcesses(a.processesByRules)
	projection := people.NewProjection(a.store, o.Log)
	if o.Offline { // nobody runs it
		projection, err = people.OpenProjection(ctx, a.store, o.Log)
		if err != nil {
			return nil, err
		}
	}
	a.people = projection
	a.metrics.WatchProjection(projection.Lag)
	compiler := newCompiler(o.LookupEnv, o.Log, !o.NoSend && !o.Offline, a.store)
	compiler.PublishedPath = o.Path
	a.watcher = &rulefile.Watcher{
		Path: o.Rules, Compiler: compiler,
		Activate: a.activate, Observe: a.observeReload, Log: o.Log, Now: time.Now,
	}
	if o.RequireTests {
		a.watcher.Check = func(loaded *rulefile.Loaded) []document.Problem { return ruletest.Check(loaded, time.Now()) }
	}
	if err = a.watcher.Reload(ctx); err != nil {
		return nil, err
	}
	if err = a.connect(ctx); err != nil {
		return nil, err
	}
	return a, nil
}

// connect joins the parts, in the order in which one needs another.
func (a *App) connect(ctx context.Context) (err error) {
	if a.tracing, err = newTracing(ctx, a.LookupEnv, a.Version, a.Log); err != nil {
		return err
	}
	var events Store = a.store
	if a.WrapStore != nil {
		events = a.WrapStore(a.store)
	}
	if err := a.connectIntake(events); err != nil {
		return err
	}
	if a.notices, err = a.newNotifier(ctx); err != nil {
		return err
	}
	if err := a.connectDelivery(events); err != nil {
		return err
	}
	if err := a.connectReceiver(); err != nil {
		return err
	}
	return a.connectAdmin()
}

// connectIntake makes the intake, and what brings events to it besides the receiver.
func (a *App) connectIntake(events Store) (err error) {
	a.intake, err = intake.New(intake.Options{
		Store: events, Rules: a.ruleSet, Company: a.Company,
		RowsShow: func() bool { return !takesRequests(a.sources()) }, MaxAge: a.MaxAge, MaxAhead: a.MaxAhead,
		NoSend: a.NoSend, Stored: a.observeStored, Learn: a.people.Learn, Known: a.facts, Overflow: a.overflow,
		Now: time.Now, Log: a.Log,
	})
	if err != nil {
		return err
	}
	a.timers = &intake.Timers{
		Intake: a.intake, Wake: a.store.WakeTimer(), StartedAt: time.Now(), Settle: a.Settle, Log: a.Log,
	}
	a.inbox = inbox.New(inbox.Options{
		Patterns: a.filePatterns, Read: a.readFile, Seen: a.store, Now: time.Now, Log: a.Log,
	})
	return nil
}

func (a *App) connectDelivery(events Store) (err error) {
	sender := delivery.Sender{
		Action:   a.action,
		Fallback: actions.Settings{Retry: actions.DefaultRetry, Timeout: 30 * time.Second, Concurrency: 1},
	}
	a.loop, err = delivery.New(delivery.Options{
		Queue: events, Deliver: a.tracing.delivering(sender.Deliver), Actions: a.actionNames, Settings: sender.Settings,
		Ended: a.observeAttempt, Grace: shutdownTimeout, Now: time.Now, Log: a.Log,
	})
	return err
}

func (a *App) connectReceiver() (err error) {
	a.handler, err = receiver.New(receiver.Options{
		Sources: a.sources, LookupEnv: a.LookupEnv, TrustedProxies: a.TrustedProxies,
		Keys: a.Keys, Intake: a.tracing.accepting(a.intake), Ready: a.ready, Observe: a, Log: a.Log, Now: time.Now,
	})
	if err != nil {
		return err
	}
	a.public = receiver.NewServer(a.handler, a.Certs, cmp.Or(a.IdleTimeout, DefaultIdleTimeout), a.Log)
	return nil
}

// connectAdmin makes the service, and the API and the console that show it.
func (a *App) connectAdmin() error {
	a.previews = make(previews, 1)
	a.admin = admin.New(admin.Options{
		Store: a.store, People: a.people, RuleSet: newExplainer(a.LookupEnv, a.store).ruleSet,
		Rules: a.ruleSet, HasAction: a.hasAction, Reload: a.reload, LastReload: a.reloadStatus,
		Replay: a.intake.Replay, DryRun: a.dryRun, Backtest: a.backtest, Ingest: a.ingest, Ready: a.ready,
		FailingTests: a.failingTests, RuleFiles: a.ruleFiles(), LastSuccess: a.tallies.lastSuccess,
		Unsubscribed: func() []string { return a.unsubscribed(a.ruleSet()) }, SilentAfter: a.SilentAfter,
		Version: a.Version, Now: time.Now, Log: a.Log,
	})
	a.metrics.WatchHealth(a.admin.Health)
	gate := &access.Gate{Tokens: a.Tokens, Sessions: a.store, TrustedProxies: a.TrustedProxies}
	pages, err := console.New(console.Options{Service: a.admin, Gate: gate, Version: a.Version, Log: a.Log})
	if err != nil {
		return err
	}
	a.private = &http.Server{
		Handler: withWriteDeadline(withFewReads(api.New(api.Options{
			Service: a.admin, Ready: a.ready, Metrics: a.metrics.Handler(), Gate: gate, Console: pages, Log: a.Log,
		}), maxReads, readWait), adminWriteTimeout),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug),
	}
	a.private.RegisterOnShutdown(a.admin.EndFeeds)
	return nil
}

// newNotifier makes a notifier that knows how long the source has been silent, even
// if that began before the start.
func (a *App) newNotifier(ctx context.Context) (*notice.Notifier, error) {
	since, err := a.store.WatchedSince(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	o := notice.Options{
		Emit: a.intake.Notice, SilentAfter: a.SilentAfter, LastGood: a.lastHeard, WatchedSince: since,
		Now: time.Now, Log: a.Log,
	}
	if o.SilenceNotedAt, err = a.silenceNotedAt(ctx); err != nil {
		return nil, err
	}
	if a.store.IsShared() {
		o.MayNote = a.mayNoteSilence
	}
	return notice.New(o), nil
}

// silenceNotedAt is when a silence was noted last, by this or another process.
func (a *App) silenceNotedAt(ctx context.Context) (at time.Time, err error) {
	noted, err := a.store.Events(ctx, record.EventFilter{Type: notice.SourceSilent, Status: record.Accepted, Limit: 1})
	if err != nil || len(noted) == 0 {
		return time.Time{}, err
	}
	return noted[0].ReceivedAt, nil
}

// mayNoteSilence lets one process note what each of them sees.
func (a *App) mayNoteSilence(ctx context.Context) (last time.Time, may bool) {
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	leads, err := a.store.Leads(ctx, "silence")
	if err == nil && leads {
		last, err = a.silenceNotedAt(ctx)
	}
	return last, err == nil && leads
}

// processesByRules counts the processes that share the store, this one included.
func (a *App) processesByRules(ctx context.Context) (map[string]int, error) {
	if !a.store.IsShared() {
		return map[string]int{a.ruleSet().Hash()[:12]: 1}, nil
	}
	processes, err := a.store.Processes(ctx)
	byRules := map[string]int{}
	for _, p := range processes {
		if !p.Gone {
			byRules[p.RuleSet[:min(12, len(p.RuleSet))]]++
		}
	}
	return byRules, err
}

func (a *App) lastGood() time.Time { return a.store.LastGood().At }

// lastHeard is lastGood for the watch for silence: without a source of requests there
// is no silence.
func (a *App) lastHeard() time.Time {
	if !takesRequests(a.sources()) {
		return time.Now()
	}
	return a.lastGood()
}

// facts is what rules may look up about people once the event counts.
func (a *App) facts(ctx context.Context, e *event.Event, signedAt time.Time) expression.Resolver {
	return facts{a.people.As(ctx, e, signedAt)}
}

func (a *App) listen() (err error) {
	if a.publicAddress, err = net.Listen("tcp", a.Listen); err != nil {
		return fmt.Errorf("the receiver cannot listen on %s: %w; name a free one with --listen", a.Listen, err)
	}
	if a.adminAddress, err = net.Listen("tcp", a.Admin); err != nil {
		return fmt.Errorf("the admin listener cannot listen on %s: %w; name a free one with --admin", a.Admin, err)
	}
	return a.store.Announce(context.Background(), store.Process{
		AdminURL: a.AdminURL(), Version: a.Version, RuleSet: func() string { return a.ruleSet().Hash() },
	})
}

// AdminURL is where the admin listener answers on this machine.
func (a *App) AdminURL() string { return "http://" + reachable(a.adminAddress.Addr()) }

// WebhookURL is where the receiver takes the requests of a source on this machine:
// of the published one if it is active, else of another; empty if none takes any.
func (a *App) WebhookURL() string {
	for _, s := range a.sources().Sources { // the published one comes first
		if !s.Rows() {
			return a.receiverURL() + s.Path
		}
	}
	return ""
}

func (a *App) receiverURL() string {
	scheme := "http"
	if a.Certs != nil {
		scheme = "https"
	}
	return scheme + "://" + reachable(a.publicAddress.Addr())
}

// reachable returns an address to connect to from this machine: a listener on all
// interfaces is reached by loopback.
func reachable(address net.Addr) string {
	tcp, ok := address.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", fmt.Sprint(tcp.Port))
	}
	return address.String()
}

// ready says why heed is not ready; nil if it is.
func (a *App) ready() error {
	if a.draining.Load() {
		return errors.New("heed is stopping")
	}
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Second)
	defer stop()
	return a.store.Ping(ctx)
}
