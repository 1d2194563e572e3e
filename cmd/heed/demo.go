package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heed/engine"
	"heed/engine/document"
	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/ruletest"
	"heed/internal/admin"
	"heed/internal/app"
	"heed/internal/plain"
	"heed/internal/receiver"
)

func newDemo(s streams) *cobra.Command {
	var rules string
	var exit bool
	cmd := &cobra.Command{
		Use:   "demo [EVENT…]",
		Short: "See rules at work: a real server on a temporary store, every fixture sent, nothing leaves",
		Long: `Demo starts the real server with --no-send on a temporary store, signs every
fixture event, posts it through the real receiver, and shows what each rule
decided and what would have been sent. Then it goes on serving until Ctrl-C, so
that you can edit the rules and send events again. Where its output is not a
terminal it ends after the fixtures, unless --exit=false.`,
		Example: "  heed demo\n  heed demo --rules my-rules.yaml my-events/",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{filepath.FromSlash("testdata/events")}
			}
			if !cmd.Flags().Changed("exit") {
				exit = !isTerminal(s.out)
			}
			return demo(cmd.Context(), s, rules, args, exit)
		},
	}
	cmd.Flags().StringVar(&rules, "rules", "rules.example.yaml", "rule file, or directory of rule files")
	cmd.Flags().BoolVar(&exit, "exit", false, "end after the fixtures (default where the output is no terminal)")
	return cmd
}

func demo(ctx context.Context, s streams, rules string, events []string, exit bool) error {
	fixtures, err := ruletest.Read(events, s.in)
	lowScoreFirst(fixtures)
	if err != nil {
		return usage("%v (the demo's own events are in heed's repository, under testdata/events: run it there, or name yours)", err)
	}
	dir, err := os.MkdirTemp("", "heed-demo-")
	if err != nil {
		return failure(err)
	}
	defer os.RemoveAll(dir)
	d := &demonstration{
		streams: s, paint: s.style(s.out), secret: rand.Text(), rules: rules,
		dir: dir, arrived: make(chan string, 1024), shown: map[string]bool{},
	}
	if err := d.start(ctx, dir); err != nil {
		return startError(s, err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- d.app.Run(ctx) }()

	err = d.sendAll(ctx, fixtures)
	if err == nil {
		d.explainRest(exit)
	}
	if err == nil && !exit {
		err = d.follow(ctx, ended)
	}
	stop()
	if runErr := <-ended; err == nil && runErr != nil {
		err = failure(runErr)
	}
	return err
}

// demonstration is one run of the demo.
type demonstration struct {
	streams streams
	paint   style
	secret  string
	rules   string
	dir     string // of the store
	app     *app.App
	api     *apiClient

	arrived chan string // ids of stored events
	sum     demoSum
	reloads chan rulefile.Attempt
	shown   map[string]bool
}

func (d *demonstration) start(ctx context.Context, dir string) error {
	keys, err := receiver.NewKeyring(d.secret)
	if err != nil {
		return err
	}
	d.reloads = make(chan rulefile.Attempt, 16)
	d.app, err = app.New(ctx, app.Options{
		Rules: d.rules, Listen: freeAddress("127.0.0.1:8080"), Admin: freeAddress(usualAdmin), Data: dir,
		Keys: keys, MaxAge: app.DefaultMaxAge, MaxAhead: 5 * time.Minute, Retention: 90 * 24 * time.Hour, NoSend: true,
		Version: buildVersion(), LookupEnv: d.streams.env, Log: slog.New(slog.DiscardHandler),
		Stored: d.onStored, Reloaded: d.onReload,
	})
	if err != nil {
		return err
	}
	<-d.reloads // the first load
	d.api = newAPIClient(d.app.AdminURL())
	return nil
}

// freeAddress is the usual address or, if somebody listens there, any other.
func freeAddress(usual string) string {
	l, err := net.Listen("tcp", usual)
	if err != nil {
		return "127.0.0.1:0"
	}
	_ = l.Close() // it only asked
	return usual
}

func (d *demonstration) onStored(e *record.Event, _ []engine.Decision, _ []record.Delivery) {
	select {
	case d.arrived <- e.ID:
	default: // more than anybody can read; heed events list has them all
	}
}

func (d *demonstration) onReload(a rulefile.Attempt) {
	select {
	case d.reloads <- a:
	default:
	}
}

// sendAll sends each fixture and shows what became of it.
func (d *demonstration) sendAll(ctx context.Context, fixtures []ruletest.Fixture) error {
	fmt.Fprintf(d.streams.out,
		"%s decide %s, signed and sent through the real receiver. Nothing leaves this machine.\n\n",
		d.rules, plain.Count(len(fixtures), "event"))
	sender := &sender{
		options: sendOptions{url: d.app.WebhookURL(), concurrency: 1, repeat: 1},
		secret:  d.secret, client: d.api.http,
	}
	for _, f := range fixtures {
		a := sender.send(ctx, f)
		if a.Error != "" {
			return failure(errors.New(a.Error))
		}
		if a.Status != http.StatusOK {
			fmt.Fprintf(d.streams.out, "%s%s%s: the receiver answered %d %s\n\n", d.paint.bold, f.File,
				d.paint.reset, a.Status, plain.Line(a.Body))
			continue
		}
		if err := d.show(ctx, a.ID, filepath.Base(f.File)); err != nil {
			return err
		}
	}
	return nil
}

// show reads an event back through the admin API, so that what is shown is what
// was stored.
func (d *demonstration) show(ctx context.Context, id, title string) error {
	d.shown[id] = true
	var e admin.Event
	if err := d.api.get(ctx, "/api/v1/events/"+url.PathEscape(id), nil, &e); err != nil {
		return err
	}
	if e.Status == record.Quarantined {
		fmt.Fprintf(d.streams.out, "%s%s%s  quarantined: %s\n\n", d.paint.bold, plain.Line(title),
			d.paint.reset, e.Reason)
		return nil
	}
	d.sum.add(&e)
	result := asResult(&e)
	printResult(d.streams.out, d.paint, title, &result)
	fmt.Fprintln(d.streams.out)
	return nil
}

// asResult is a recorded event in the form of a dry run's result.
func asResult(e *admin.Event) ruletest.Result {
	r := ruletest.Result{Event: e.Type, ID: e.ID}
	for _, decision := range e.Decisions {
		d := ruletest.Decision{Shown: decision}
		for _, delivery := range e.Deliveries {
			if delivery.Rule == d.Rule {
				d.Actions = append(d.Actions, ruletest.Action{
					Action: delivery.Action, Kind: delivery.Kind,
					Request: delivery.Request, Problem: delivery.LastError,
				})
			}
		}
		r.Decisions = append(r.Decisions, d)
	}
	return r
}

// lowScoreFirst puts the event first that shows best what rules do.
func lowScoreFirst(fixtures []ruletest.Fixture) {
	slices.SortStableFunc(fixtures, func(a, b ruletest.Fixture) int {
		return cmp.Compare(rankOf(a), rankOf(b))
	})
}

func rankOf(f ruletest.Fixture) int {
	if filepath.Base(f.File) == "quiz-low-score.json" {
		return 0
	}
	return 1
}

// demoSum sums up what the rules made of the events.
type demoSum struct {
	events, matched, waiting, kept int
	byAction                       map[string]int
}

func (m *demoSum) add(e *admin.Event) {
	m.events++
	if m.byAction == nil {
		m.byAction = map[string]int{}
	}
	for _, d := range e.Deliveries {
		m.byAction[d.Action]++
	}
	for i := range e.Decisions {
		if e.Decisions[i].Outcome == engine.Matched {
			m.matched++
		}
		for _, effect := range e.Decisions[i].Effects {
			switch {
			case effect.Effect == record.Waiting || effect.Effect == record.Collected || effect.Effect == record.Counted:
				m.waiting++
			case record.Suppressed(effect.Effect):
				m.kept++
			}
		}
	}
}

// String is the sum in a line.
func (m *demoSum) String() string {
	total := 0
	for _, n := range m.byAction {
		total += n
	}
	text := fmt.Sprintf("%s matched rules %s; %s would have gone out", plain.Count(m.events, "event"),
		plain.Count(m.matched, "time"), plain.Count(total, "message"))
	if total > 0 {
		text += " (" + counted(m.byAction, "") + ")"
	}
	if m.waiting > 0 {
		text += fmt.Sprintf("; %d wait, are counted or are collected", m.waiting)
	}
	if m.kept > 0 {
		text += fmt.Sprintf("; %d were kept back", m.kept)
	}
	return text
}

func (d *demonstration) explainRest(exit bool) {
	p := d.paint
	fmt.Fprintf(d.streams.out, "%s%s%s\n", p.bold, &d.sum, p.reset)
	fmt.Fprintf(d.streams.out, "%sadmin listener%s  %s\n", p.bold, p.reset, d.app.AdminURL())
	if exit {
		return
	}
	heed := os.Args[0]
	if strings.Contains(heed, "go-build") || strings.HasSuffix(heed, ".test") {
		heed = "heed"
	}
	fmt.Fprintf(d.streams.out, `
Now change %s and save: it is reloaded at once. Then send an event again, from another terminal:

  MINDTICKLE_WEBHOOK_SECRET=%s %s send --url %s testdata/events/quiz-low-score.json
  %s why --rule low-quiz-score --admin %s
  %s backtest --rules %s --against active --data %s --since 1d

Ctrl-C ends the demo.

`, d.rules, d.secret, heed, d.app.WebhookURL(), heed, d.app.AdminURL(), heed, d.rules, d.dir)
}

// follow shows what comes in and what reloads do until it is interrupted.
func (d *demonstration) follow(ctx context.Context, ended chan error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			ended <- nil // who waits for the end need not know twice
			if err != nil {
				return failure(err)
			}
			return nil
		case id := <-d.arrived:
			if d.shown[id] {
				continue
			}
			if err := d.show(ctx, id, id); err != nil && ctx.Err() == nil {
				return err
			}
		case a := <-d.reloads:
			d.showReload(a)
		}
	}
}

func (d *demonstration) showReload(a rulefile.Attempt) {
	out, p := d.streams.out, d.paint
	var problems *rulefile.ProblemsError
	switch {
	case a.Err == nil:
		fmt.Fprintf(out, "%s✔ rules reloaded%s: %s active\n\n", p.green, p.reset,
			plain.Count(len(a.Loaded.Rules.Rules()), "rule"))
	case errors.As(a.Err, &problems):
		printProblems(out, p, document.OnlyErrors(problems.Problems))
		fmt.Fprintf(out, "%s✘ rules not reloaded%s: the old ones stay active\n\n", p.red, p.reset)
	default:
		fmt.Fprintf(out, "%s✘ rules not reloaded%s: %v; the old ones stay active\n\n", p.red, p.reset, a.Err)
	}
}
