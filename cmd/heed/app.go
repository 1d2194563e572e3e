package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"heed/actions"
	"heed/actions/delivery"
	"heed/engine"
	"heed/engine/event"
	"heed/engine/intake"
	"heed/engine/people"
	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/ruletest"
	"heed/engine/source"
	"heed/internal/admin"
	"heed/internal/metrics"
	"heed/internal/notice"
	"heed/internal/receiver"
	"heed/internal/store"
)

// appOptions are what a running heed needs, its files and addresses checked by
// whoever asks for it.
type appOptions struct {
	rules, listen, admin, data string
	adminToken                 string
	keys                       *receiver.Keyring
	certs                      *receiver.CertReloader
	company                    string
	maxAge, maxAhead           time.Duration
	retention, silentAfter     time.Duration
	// farewell is how long heed takes events in after it was told to stop.
	farewell     time.Duration
	noSend       bool
	requireTests bool
	log          *slog.Logger
	// stored, if not nil, is told of every event that was stored.
	stored func(*record.Event, []engine.Decision, []record.Delivery)
	// reloaded, if not nil, is told of every attempt to load the rules.
	reloaded func(rulefile.Attempt)
}

// app is a running heed: the one place that knows all parts. The data's way
// through it is receiver → intake → store → delivery loop → actions.
type app struct {
	appOptions
	store    *store.DB
	people   *people.Keeper
	watcher  *rulefile.Watcher
	metrics  *metrics.Metrics
	intake   *intake.Intake
	board    *notice.Board
	loop     *delivery.Loop
	draining atomic.Bool
	tried    atomic.Pointer[rulefile.Attempt] // the last attempt to load the rules

	handler                     *receiver.Handler
	public, private             *http.Server
	publicAddress, adminAddress net.Listener
}

// openApp does everything that can go wrong before the first event: when it
// returns without an error, both listeners accept connections. What it opened
// is closed again on an error.
func openApp(ctx context.Context, s streams, o appOptions) (a *app, err error) {
	a = &app{appOptions: o, metrics: metrics.New(buildVersion(), event.Standard().Names())}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	if a.store, err = store.Open(ctx, store.Options{Dir: o.data, ObserveBatch: a.metrics.Committed}); err != nil {
		return a, err
	}
	a.metrics.WatchPending(a.store.PendingByAction)
	a.metrics.WatchLastGood(a.lastGood)
	if a.people, err = people.OpenKeeper(ctx, a.store, a.log); err != nil {
		return a, err
	}
	a.watcher = &rulefile.Watcher{
		Path: o.rules, Compiler: newCompiler(s, o.log, !o.noSend, a.store),
		Activate: a.activate, Observe: a.observeReload, Log: o.log, Now: time.Now,
	}
	if o.requireTests {
		a.watcher.Check = func(loaded *rulefile.Loaded) []source.Problem { return ruletest.Check(loaded, time.Now()) }
	}
	if err = a.watcher.Reload(ctx); err != nil {
		return a, err
	}
	if err = a.connect(ctx, s); err != nil {
		return a, err
	}
	return a, a.listen()
}

// connect joins the parts, which do not know each other.
func (a *app) connect(ctx context.Context, s streams) (err error) {
	a.intake, err = intake.New(intake.Options{
		Store: a.store, Rules: a.ruleSet, Company: a.company, MaxAge: a.maxAge, MaxAhead: a.maxAhead,
		NoSend: a.noSend, Stored: a.observeStored, Learn: a.people.Learn, Known: a.known, Now: time.Now, Log: a.log,
	})
	if err != nil {
		return err
	}
	if a.board, err = a.newBoard(ctx); err != nil {
		return err
	}
	sender := delivery.Sender{Action: a.action, Fallback: actions.Settings{Retry: actions.DefaultRetry, Timeout: 30 * time.Second, Concurrency: 1}}
	a.loop, err = delivery.New(delivery.Options{
		Queue: a.store, Deliver: sender.Deliver, Settings: sender.Settings, Wake: a.store.Wake(),
		Ended: a.observeAttempt, Grace: 20 * time.Second, Now: time.Now, Log: a.log,
	})
	if err != nil {
		return err
	}
	a.handler, err = receiver.New(receiver.Options{
		Keys: a.keys, Intake: a.intake, Ready: a.ready, Observe: a, Log: a.log, Now: time.Now,
	})
	if err != nil {
		return err
	}
	a.public = receiver.NewServer(a.handler, a.certs, a.log)
	a.private = &http.Server{
		Handler: admin.New(admin.Options{
			Store: keptStore{a.store, a.people}, People: a.keeper, RuleSet: newExplainer(s, a.store).ruleSet, Rules: a.ruleSet, Reload: a.reload, LastReload: a.lastReload, Ready: a.ready,
			Replay: a.intake.Replay, DryRun: a.dryRun(s), Metrics: a.metrics.Handler(), Token: a.adminToken, Now: time.Now, Log: a.log,
		}),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	return nil
}

// newBoard makes a board that knows since when the source is silent, also if that
// was before the start.
func (a *app) newBoard(ctx context.Context) (*notice.Board, error) {
	since, err := a.store.WatchedSince(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	noted, err := a.store.Events(ctx, record.EventFilter{Type: notice.SourceSilent, Status: record.Accepted, Limit: 1})
	if err != nil {
		return nil, err
	}
	o := notice.Options{
		Emit: a.intake.Notice, SilentAfter: a.silentAfter, LastGood: a.lastGood, WatchedSince: since,
		Now: time.Now, Log: a.log,
	}
	if len(noted) > 0 {
		o.SilenceNotedAt = noted[0].ReceivedAt
	}
	return notice.New(o), nil
}

func (a *app) lastGood() time.Time { return a.store.LastGood().At }

func (a *app) listen() (err error) {
	if a.publicAddress, err = net.Listen("tcp", a.appOptions.listen); err != nil {
		return fmt.Errorf("the receiver cannot listen on %s: %w; name a free one with --listen", a.appOptions.listen, err)
	}
	if a.adminAddress, err = net.Listen("tcp", a.admin); err != nil {
		return fmt.Errorf("the admin listener cannot listen on %s: %w; name a free one with --admin", a.admin, err)
	}
	return a.store.SetHolderInfo(a.adminURL())
}

func (a *app) adminURL() string { return "http://" + reachable(a.adminAddress.Addr()) }

func (a *app) webhookURL() string {
	scheme := "http"
	if a.certs != nil {
		scheme = "https"
	}
	return scheme + "://" + reachable(a.publicAddress.Addr()) + receiver.WebhookPath
}

// reachable is an address one can connect to from this machine: a listener on
// all interfaces is reached by loopback.
func reachable(address net.Addr) string {
	tcp, ok := address.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", fmt.Sprint(tcp.Port))
	}
	return address.String()
}

// run serves until ctx ends, then drains: it says that it is not ready, answers
// what is under way, lets running sends finish, and closes the store. It
// returns early, with an error, when the store can no longer be trusted.
func (a *app) run(ctx context.Context) error {
	defer a.close()
	working, stop := context.WithCancel(ctx)
	defer stop()
	errs := make(chan error, 3)
	go func() { errs <- receiver.Serve(a.public, a.publicAddress) }()
	go func() { errs <- a.private.Serve(a.adminAddress) }()
	var background sync.WaitGroup // it uses the store, which is closed in the end
	background.Go(func() { a.watcher.Run(working) })
	background.Go(func() { a.prune(working) })
	telling, silence := context.WithCancel(context.WithoutCancel(ctx)) // also of what happens while heed ends
	defer silence()
	background.Go(func() { a.board.Run(telling) })
	background.Go(func() { a.people.Run(telling) })
	looped := make(chan struct{})
	go func() {
		defer close(looped)
		if a.noSend {
			return // also what an earlier run left waits for one that sends
		}
		if err := a.loop.Run(working); err != nil {
			errs <- err
		}
	}()
	var failed error
	patience := 20 * time.Second
	select {
	case <-ctx.Done():
	case failed = <-errs:
	case <-a.store.Failed():
		patience = 2 * time.Second // nothing can be acknowledged or recorded any more
		failed = fmt.Errorf("the store cannot be trusted any more: %w; heed stops, nothing acknowledged is lost", a.store.Err())
	}
	a.draining.Store(true)
	a.log.Info("stopping: finishing what is under way")
	a.leave()
	stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := a.public.Shutdown(grace); err != nil {
		_ = a.public.Close()
	}
	select {
	case <-looped:
	case <-a.store.Failed():
		select {
		case <-looped:
		case <-grace.Done(): // it waits for a store that does not come back
		}
	}
	silence()
	background.Wait() // each of them ends by itself, whatever the store does
	_ = a.private.Shutdown(grace)
	return failed
}

// leave goes on taking events in for a moment after heed was told to stop: it is
// not ready any more, and each answer is the last of its connection, since a
// sender that keeps one open would otherwise send into it just as it is closed.
// Then the port closes; what was accepted until then gets the time to be known
// to the server, which waits for it.
func (a *app) leave() {
	a.handler.Leave()
	time.Sleep(a.farewell)
	_ = a.publicAddress.Close()
	time.Sleep(a.farewell / 6)
}

func (a *app) close() {
	for _, l := range []net.Listener{a.publicAddress, a.adminAddress} {
		if l != nil {
			_ = l.Close() // closed already after a run
		}
	}
	if a.store != nil {
		if err := a.store.Close(); err != nil {
			a.log.Error("close store", "error", err)
		}
	}
}

func (a *app) ready() error {
	if a.draining.Load() {
		return errors.New("heed is stopping")
	}
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Second)
	defer stop()
	return a.store.Ping(ctx)
}

func (a *app) ruleSet() *engine.RuleSet { return a.watcher.Current().Rules }

func (a *app) action(name string) (*actions.Configured, bool) {
	configured, ok := a.watcher.Current().Actions[name]
	return configured, ok
}

// activate keeps the text of a rule set before it decides anything, so that
// its decisions can be explained for ever.
func (a *app) activate(ctx context.Context, loaded *rulefile.Loaded) error {
	set := record.RuleSet{Hash: loaded.Hash, ActivatedAt: time.Now().UTC()}
	for _, f := range loaded.Files {
		set.Files = append(set.Files, record.File{Name: f.Name, Text: string(f.Text)})
	}
	if err := a.store.SaveRuleSet(ctx, set); err != nil {
		return err
	}
	listening := map[string][]string{}
	for _, rule := range loaded.Rules.Rules() {
		listening[rule.Name] = rule.On
	}
	a.metrics.Listen(loaded.Hash, listening)
	return nil
}

// errOldRules says what rule files with problems lead to.
var errOldRules = errors.New("the rule files cannot be used; the old rules stay active")

// lastReload is how the last attempt to load the rules went.
func (a *app) lastReload() *admin.LastReload {
	attempt := a.tried.Load()
	if attempt == nil {
		return nil
	}
	last := &admin.LastReload{OK: attempt.Err == nil, At: attempt.At.UTC(), Problems: attempt.Problems}
	var problems *rulefile.ProblemsError
	switch {
	case errors.As(attempt.Err, &problems):
		last.Error = errOldRules.Error()
	case attempt.Err != nil:
		last.Error = attempt.Err.Error()
	}
	return last
}

func (a *app) reload(ctx context.Context) ([]source.Problem, error) {
	err := a.watcher.Reload(ctx)
	var problems *rulefile.ProblemsError
	if errors.As(err, &problems) {
		return problems.Problems, errOldRules
	}
	if err != nil {
		return nil, err
	}
	return a.watcher.Current().Problems, nil
}

func (a *app) prune(ctx context.Context) {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		now := time.Now()
		n, err := a.store.Prune(ctx, now, now.Add(-a.retention), now.Add(-a.retention-7*24*time.Hour))
		switch {
		case err != nil && ctx.Err() == nil:
			a.log.Error("delete old events", "error", err)
		case n > 0:
			a.log.Info("deleted events older than the retention", "events", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
