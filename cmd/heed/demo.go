package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
decided and what would have been sent. Of its own events it shows one in full and
the others in a line each; then it sends more scores, for what throttles and
digests do, and asks a backtest what a stricter rule would have done. Then it goes
on serving until Ctrl-C, so that you can edit the rules and send events again. Where its output is not a
terminal it ends after the fixtures, unless --exit=false.`,
		Example: "  heed demo\n  heed demo --rules my-rules.yaml my-events/",
		RunE: func(cmd *cobra.Command, args []string) error {
			own := len(args) == 0
			if own {
				args = []string{filepath.FromSlash("testdata/events")}
			}
			if !cmd.Flags().Changed("exit") {
				exit = !isTerminal(s.out)
			}
			return demo(cmd.Context(), s, rules, args, own, exit)
		},
	}
	cmd.Flags().StringVar(&rules, "rules", "rules.example.yaml", "rule file, or directory of rule files")
	cmd.Flags().BoolVar(&exit, "exit", false, "end after the fixtures (default where the output is not a terminal)")
	return cmd
}

// demo tells its story if the events are its own, and else shows each of them.
func demo(ctx context.Context, s streams, rules string, events []string, own, exit bool) error {
	fixtures, err := ruletest.Read(events, s.in)
	lowScoreFirst(fixtures)
	if err != nil {
		return usage("%v (the demo's own events are in heed's repository, under testdata/events: run it there, or "+
			"name yours)", err)
	}
	dir, err := os.MkdirTemp("", "heed-demo-")
	if err != nil {
		return failure(err)
	}
	defer os.RemoveAll(dir)
	d := &demonstration{
		streams: s, out: &wrapper{w: s.out, width: s.width(s.out)}, paint: s.style(s.out), secret: rand.Text(),
		rules: rules, dir: dir, arrived: make(chan string, 1024), shown: map[string]bool{},
	}
	if err := d.start(ctx, dir); err != nil {
		return startError(s, err)
	}
	if !exit && own {
		if err := d.fillWeek(ctx); err != nil {
			return failure(err)
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- d.app.Run(ctx) }()

	fmt.Fprintf(d.out, "%s on %s, through the real receiver. Nothing is sent.\n\n",
		rules, plain.Count(len(fixtures), "event"))
	if own && len(fixtures) > 0 {
		err = d.tell(ctx, fixtures)
	} else {
		err = d.sendAll(ctx, fixtures, d.show)
	}
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
	out     io.Writer // which breaks long lines
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
		Keys: keys, MaxAge: app.DefaultMaxAge, MaxAhead: app.DefaultMaxAhead, Retention: app.DefaultRetention, NoSend: true,
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

// freeAddress returns the usual address or, if it is in use, any other.
func freeAddress(usual string) string {
	l, err := net.Listen("tcp", usual)
	if err != nil {
		return "127.0.0.1:0"
	}
	_ = l.Close() // it only asked
	return usual
}

func (d *demonstration) onStored(_ context.Context, e *record.Event, _ []engine.Decision, _ []record.Delivery) {
	select {
	case d.arrived <- e.ID:
	default: // more than anybody can read; heed events list has them all
	}
}

func (d *demonstration) onReload(_ context.Context, a rulefile.Attempt) {
	select {
	case d.reloads <- a:
	default:
	}
}

// stored reads an event back.
func (d *demonstration) stored(ctx context.Context, id string) (*admin.Event, error) {
	d.shown[id] = true
	var e admin.Event
	if err := d.api.get(ctx, "/api/v1/events/"+admin.Segment(id), nil, &e); err != nil {
		return nil, err
	}
	if e.Status != record.Quarantined {
		d.sum.add(&e)
	}
	return &e, nil
}

// show shows an event with all that the rules make of it.
func (d *demonstration) show(e *admin.Event, title string) {
	if e.Status == record.Quarantined {
		fmt.Fprintf(d.out, "%s%s%s  quarantined: %s\n\n", d.paint.bold, plain.Line(title), d.paint.reset, e.Reason)
		return
	}
	result := asResult(e)
	printResult(d.out, d.paint, title, &result)
	fmt.Fprintln(d.out)
}

// asResult returns a recorded event in the form of a dry run's result.
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
			case effect.Effect == record.Waiting || effect.Effect == record.Collected ||
				effect.Effect == record.Counted:
				m.waiting++
			case record.Suppressed(effect.Effect):
				m.kept++
			}
		}
	}
}

// String returns the sum as one line.
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
	fmt.Fprintf(d.out, "%s%s%s\n", p.bold, &d.sum, p.reset)
	fmt.Fprintf(d.out, "%sconsole%s  %s/ui/\n", p.bold, p.reset, d.app.AdminURL())
	if exit {
		return
	}
	heed := os.Args[0]
	if strings.Contains(heed, "go-build") || strings.HasSuffix(heed, ".test") {
		heed = "heed"
	}
	// Commands are for copying, so their lines are not broken.
	fmt.Fprintf(d.streams.out, `
Now change %s and save: it is reloaded at once. Then, from another terminal:
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
			e, err := d.stored(ctx, id)
			if err != nil {
				if ctx.Err() == nil {
					return err
				}
				continue
			}
			d.show(e, id)
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
