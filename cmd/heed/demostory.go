package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"heed/engine"
	"heed/engine/backtest"
	"heed/engine/record"
	"heed/engine/ruletest"
	"heed/internal/admin"
	"heed/internal/plain"
	"heed/internal/wording"
)

// The story of the demo, on one screen: one event with all that the rules make of
// it, the others in a line each, more scores for what throttles and digests do, and
// a backtest over all of them.

// tell sends the demo's own events, and tells what became of them.
func (d *demonstration) tell(ctx context.Context, fixtures []ruletest.Fixture) error {
	if err := d.sendAll(ctx, fixtures[:1], d.show); err != nil {
		return err
	}
	if err := d.sendAll(ctx, fixtures[1:], d.showBriefly); err != nil {
		return err
	}
	fmt.Fprintln(d.out)
	var scores scoreSum
	if err := d.sendAll(ctx, moreScores(), scores.add); err != nil {
		return err
	}
	scores.print(d)
	return d.backtest(ctx)
}

// showBriefly shows an event in a line.
func (d *demonstration) showBriefly(e *admin.Event, title string) {
	m := marks(d.paint)["not_matched"]
	text := "no rule matches"
	if e.Status == record.Quarantined {
		m, text = marks(d.paint)["error"], "quarantined: "+e.Reason
	}
	matched, unknown, effects := 0, "", map[string]int{}
	for i := range e.Decisions {
		decision := &e.Decisions[i]
		switch decision.Outcome {
		case engine.Matched:
			matched++
		case engine.Unknown:
			unknown = decision.Reason
		}
		for _, effect := range decision.Effects {
			if effect.Effect != record.Sent {
				effects[effect.Effect]++
			}
		}
	}
	switch {
	case matched > 0:
		m, text = marks(d.paint)["matched"], plain.Count(matched, "rule")+led(e.Deliveries, effects)
	case unknown != "":
		m, text = marks(d.paint)["unknown"], "no rule can tell: "+unknown
	}
	fmt.Fprintf(d.out, "  %s%s%s %-33s  %s%s%s\n", m.color, m.sign, d.paint.reset,
		plain.Line(strings.TrimSuffix(title, ".json")),
		d.paint.dim, plain.Line(text), d.paint.reset)
}

// led says what matches led to.
func led(deliveries []admin.Delivery, effects map[string]int) string {
	var actions, text []string
	for i := range deliveries {
		if name := deliveries[i].Action; !slices.Contains(actions, name) {
			actions = append(actions, name)
		}
	}
	if len(actions) > 0 {
		text = append(text, " → "+strings.Join(actions, ", "))
	}
	for _, effect := range slices.Sorted(maps.Keys(effects)) {
		text = append(text, fmt.Sprintf(" %d %s", effects[effect], effect))
	}
	return strings.Join(text, ",")
}

// moreScores returns low and very low scores of four people in one quiz.
func moreScores() (fixtures []ruletest.Fixture) {
	users := []string{"u-1042", "u-2001", "u-3007", "u-3008"}
	for i := range 40 {
		score := 42 + i*7%45
		fixtures = append(fixtures, ruletest.Fixture{Body: fmt.Appendf(nil,
			`{"event":"quiz.submitted","companyId":"acme","data":{"userId":%q,"quizId":"q18","quizName":"Objections",`+
				`"score":%d,"maxScore":100,"passed":%v}}`, users[i%len(users)], score, score >= 70)})
	}
	return fixtures
}

// scoreSum sums up what rules made of events.
type scoreSum struct {
	events    int
	names     []string // of the rules, in their order
	effects   map[string]map[string]int
	throttled record.Effect // the first, as an example
	zone      string        // of its rule
}

func (s *scoreSum) add(e *admin.Event, _ string) {
	s.events++
	if s.effects == nil {
		s.effects = map[string]map[string]int{}
	}
	for i := range e.Decisions {
		decision := &e.Decisions[i]
		if decision.Outcome != engine.Matched {
			continue
		}
		counts := s.effects[decision.Rule]
		if counts == nil {
			counts = map[string]int{}
			s.effects[decision.Rule] = counts
			s.names = append(s.names, decision.Rule)
		}
		if len(decision.Effects) == 0 {
			counts[record.Sent]++
		}
		for _, effect := range decision.Effects {
			counts[effect.Effect]++
			if effect.Effect == record.Throttled && s.throttled.Effect == "" {
				s.throttled, s.zone = effect, decision.Timezone
			}
		}
	}
}

func (s *scoreSum) print(d *demonstration) {
	p, width := d.paint, 0
	for _, name := range s.names {
		width = max(width, len([]rune(name)))
	}
	fmt.Fprintf(d.out, "%s%s more%s  %sof four people, some low, some very low%s\n",
		p.bold, plain.Count(s.events, "quiz score"), p.reset, p.dim, p.reset)
	for _, name := range s.names {
		var parts []string
		for _, effect := range slices.Sorted(maps.Keys(s.effects[name])) {
			parts = append(parts, fmt.Sprintf("%d %s", s.effects[name][effect], effect))
		}
		fmt.Fprintf(d.out, "  %s✔%s %-*s  %s\n", p.green, p.reset, width, plain.Line(name), strings.Join(parts, ", "))
	}
	if s.throttled.Effect != "" {
		printEffects(d.out, p, wording.Effects{
			Mode: engine.ModeLive, Event: s.throttled.By,
			Zone: wording.ZoneOf(s.zone),
		}, []record.Effect{s.throttled})
	}
	fmt.Fprintln(d.out)
}

// lowerBound matches a condition for which the demo shows the effect of a lower
// bound.
var lowerBound = regexp.MustCompile(`\bdata\.score < ([0-9]{2})\b`)

// stricter returns the text of the rules with a lower bound in one rule, and the new
// condition of that rule; false if there is no such rule.
func (d *demonstration) stricter(ctx context.Context) (rule *admin.Rule, when, text string, ok bool) {
	var list admin.RuleList
	if err := d.api.get(ctx, "/api/v1/rules", nil, &list); err != nil {
		return nil, "", "", false
	}
	for i := range list.Rules {
		rule = &list.Rules[i]
		found := lowerBound.FindStringSubmatch(rule.When)
		if found == nil || rule.File != list.Rules[0].File {
			continue
		}
		bound, err := strconv.Atoi(found[1])
		raw, readErr := os.ReadFile(rule.File)
		if err != nil || readErr != nil {
			return nil, "", "", false
		}
		lower := fmt.Sprintf("data.score < %d", bound*5/7)
		lines := strings.SplitAfter(string(raw), "\n")
		before, after := strings.Join(lines[:rule.Line-1], ""), strings.Join(lines[rule.Line-1:], "")
		text = before + strings.Replace(after, found[0], lower, 1)
		return rule, strings.Replace(rule.When, found[0], lower, 1), text, true
	}
	return nil, "", "", false
}

// backtest asks the server what would have been, had a rule another bound.
func (d *demonstration) backtest(ctx context.Context) error {
	rule, when, text, ok := d.stricter(ctx)
	if info, err := os.Stat(d.rules); !ok || err != nil || info.IsDir() {
		return nil
	}
	var r backtest.Result
	request := map[string]string{"rules": text, "against": "active", "since": "1h"}
	if err := d.api.post(ctx, "/api/v1/backtest", request, &r); err != nil {
		return err
	}
	at := slices.IndexFunc(r.Rules, func(of backtest.Rule) bool { return of.Rule == rule.Name })
	if at < 0 || r.Diff == nil {
		return nil
	}
	p, now := d.paint, r.Rules[at].Alerts
	fmt.Fprintf(d.out, "%sWhat if %s said %s?%s  %sheed backtest over these %s%s\n", p.bold,
		plain.Line(rule.Name), plain.Line(when), p.reset, p.dim, plain.Count(r.Events, "event"), p.reset)
	fmt.Fprintf(d.out, "  %s of %s become %s%d%s\n", plain.Count(now+r.Diff.Removed-r.Diff.Added, "alert"),
		plain.Line(rule.Name), p.bold, now, p.reset)
	if i := slices.IndexFunc(r.Diff.Samples, func(s backtest.Sample) bool { return s.Change == "removed" }); i >= 0 {
		fmt.Fprintf(d.out, "    %s- one that goes: %s%s\n", p.red, plain.Line(r.Diff.Samples[i].Why), p.reset)
	}
	fmt.Fprintln(d.out)
	return nil
}

// sendAll sends events through the receiver. Each is read back through the admin
// API, so that what is shown is what was stored.
func (d *demonstration) sendAll(
	ctx context.Context, fixtures []ruletest.Fixture, show func(e *admin.Event, title string),
) error {
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
			fmt.Fprintf(d.out, "%s%s%s: the receiver answered %d %s\n\n", d.paint.bold, f.File,
				d.paint.reset, a.Status, plain.Line(a.Body))
			continue
		}
		e, err := d.stored(ctx, a.ID)
		if err != nil {
			return err
		}
		show(e, filepath.Base(f.File))
	}
	return nil
}
