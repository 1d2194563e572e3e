package app

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/ruletest"
	"heed/internal/store"
)

// editing is a store whose rules are changed on a virtual clock.
type editing struct {
	t    *testing.T
	db   *store.DB
	app  *App
	now  time.Time
	line *ruletest.Timeline
	// sent are the texts of the alerts so far, each with its time, events the
	// number of events.
	sent   []string
	events int
}

var monday = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func newEditing(t *testing.T) *editing {
	db := openStore(t)
	a := &App{Options: Options{MaxAge: 8 * time.Hour, Log: slog.New(slog.DiscardHandler)}, store: db}
	return &editing{t: t, db: db, app: a, now: monday}
}

// rules makes rules active, as a reload does. They are what stands below "rules:".
func (e *editing) rules(text string) {
	e.t.Helper()
	e.note()
	head := "timezone: UTC\nquiet_hours: {night: [{from: \"20:00\", to: \"08:00\"}]}\nactions: {note: {log: {}}}\nrules:\n"
	if text == "" {
		head, text = "rules: []\n", ""
	}
	snapshot := rulefile.NewSnapshot([]rulefile.File{{Name: "rules.yaml", Text: []byte(head + text)}})
	loaded, problems := Compiler(os.LookupEnv).Compile(snapshot)
	if loaded == nil {
		e.t.Fatal(problems)
	}
	if err := e.app.activateState(e.t.Context(), loaded, e.now); err != nil {
		e.t.Fatal(err)
	}
	line, err := ruletest.NewTimeline(loaded.Rules, e.now, e.db)
	if err != nil {
		e.t.Fatal(err)
	}
	e.line = line
}

// event is a quiz of u1 that comes in now.
func (e *editing) event(data string) {
	e.t.Helper()
	e.events++
	body := fmt.Sprintf(`{"event":"quiz.submitted","data":%s}`, data)
	err := e.line.Run(e.t.Context(), []rulefile.Given{{ID: fmt.Sprintf("e%d", e.events), At: e.now, Body: []byte(body)}})
	if err != nil {
		e.t.Fatal(err)
	}
}

// pass lets time pass.
func (e *editing) pass(d time.Duration) {
	e.t.Helper()
	e.now = e.now.Add(d)
	if err := e.line.Advance(e.t.Context(), e.now); err != nil {
		e.t.Fatal(err)
	}
}

// note takes over what the timeline has sent.
func (e *editing) note() {
	if e.line == nil {
		return
	}
	for _, a := range e.line.Alerts("") {
		var request struct{ Text string }
		if err := json.Unmarshal(a.Request, &request); err != nil {
			e.t.Fatal(err)
		}
		text := a.At.Sub(monday).String() + " " + request.Text
		if a.Mode != "live" {
			text += " (" + a.Mode + ")"
		}
		e.sent = append(e.sent, text)
	}
	e.line = nil
}

// want checks everything that was sent.
func (e *editing) want(sent ...string) {
	e.t.Helper()
	e.note()
	if diff := cmp.Diff(sent, e.sent); diff != "" {
		e.t.Errorf("sent: (-want +got)\n%s", diff)
	}
}

// effects are all effects that were recorded in events of heed's own, oldest
// first, with their reasons and limits.
func (e *editing) recorded() (effects []string) {
	e.t.Helper()
	events, err := e.db.Events(e.t.Context(), record.EventFilter{Status: record.Timed, Limit: 100})
	if err != nil {
		e.t.Fatal(err)
	}
	for _, event := range events {
		for _, d := range event.Decisions {
			for _, effect := range d.Effects {
				text := strings.TrimSpace(fmt.Sprintf("%s: %s %s %s", d.Rule, effect.Effect, effect.Reason, effect.Limit))
				effects = append([]string{text}, effects...)
			}
		}
	}
	return effects
}

const fail = `{"userId":"u1","quizId":"q1","passed":false}`

const (
	waitRule  = "- {name: late, on: quiz.submitted, when: not data.passed, wait: {after: %s, per: %s}, do: [{action: note, text: \"%s\"}]}\n"
	countRule = "- {name: fails, on: quiz.submitted, count: {at_least: %d, within: %s, per: %s}, do: [{action: note, text: \"{{ total }}\"}]}\n"
	limitRule = "- {name: limited, on: quiz.submitted, throttle: {at_most: %d, within: %s, per: data.userId}, do: [{action: note, text: \"{{ id }}\"}]}\n"
)

func waits(after string) string { return fmt.Sprintf(waitRule, after, "data.userId", "told") }

func TestEdit_reloadingAnUnchangedRuleDoesNothing(t *testing.T) {
	e := newEditing(t)
	e.rules(waits("48h"))
	e.event(fail)
	e.pass(47 * time.Hour)
	for range 3 {
		e.rules(waits("48h"))
	}
	e.pass(2 * time.Hour)
	e.rules(waits("48h"))
	e.pass(48 * time.Hour)
	e.want("48h0m0s told")
}

func TestEdit_changedLimitsApplyAtOnceToTheExistingState(t *testing.T) {
	e := newEditing(t)
	e.rules(fmt.Sprintf(limitRule, 2, "24h"))
	e.event(fail) // 0h
	e.pass(2 * time.Hour)
	e.event(fail) // 2h
	e.pass(time.Hour)
	e.event(fail) // 3h: throttled
	e.rules(fmt.Sprintf(limitRule, 2, "2h"))
	e.event(fail) // 3h: the one of 0h is out of the shorter window
	e.rules(fmt.Sprintf(limitRule, 1, "2h"))
	e.pass(90 * time.Minute)
	e.event(fail) // 4h30m: the one of 3h is within 2h
	e.rules(fmt.Sprintf(limitRule, 2, "2h"))
	e.event(fail)
	e.want("0s e1", "2h0m0s e2", "3h0m0s e4", "4h30m0s e6")
}

func TestEdit_aLowerLimitNamesTheTimeAtWhichASlotFrees(t *testing.T) {
	e := newEditing(t)
	e.rules(fmt.Sprintf(limitRule, 2, "24h"))
	e.event(fail)
	e.pass(time.Hour)
	e.event(fail)
	e.rules(fmt.Sprintf(limitRule, 1, "24h"))
	e.event(fail)
	effects := e.line.Effects("limited")
	if next, want := effects[0].Next, monday.Add(25*time.Hour); !next.Equal(want) {
		t.Errorf("next is %s, want %s", next, want)
	}
}

func TestEdit_changedCountsApplyAtOnceAndDoNotFire(t *testing.T) {
	e := newEditing(t)
	e.rules(fmt.Sprintf(countRule, 3, "24h", "data.userId"))
	e.event(fail)
	e.event(fail)
	e.rules(fmt.Sprintf(countRule, 2, "24h", "data.userId"))
	e.pass(time.Hour)
	e.want()
	e.rules(fmt.Sprintf(countRule, 2, "24h", "data.userId"))
	e.event(fail)
	e.want("1h0m0s 2")
}

func TestEdit_changedPerDiscardsTheStateAndRecordsIt(t *testing.T) {
	e := newEditing(t)
	e.rules(fmt.Sprintf(countRule, 2, "24h", "data.userId"))
	e.event(fail)
	e.rules(fmt.Sprintf(countRule, 2, "24h", "[data.userId, data.quizId]"))
	e.event(fail)
	e.want()
	if diff := cmp.Diff([]string{"fails: skipped edited 1 key of count of the old per, discarded"}, e.recorded()); diff != "" {
		t.Error(diff)
	}
	e.rules(fmt.Sprintf(countRule, 2, "24h", "data.userId"))
	e.event(fail)
	e.want() // it did not come back
}

func TestEdit_changedAfterRecomputesDueTimes(t *testing.T) {
	e := newEditing(t)
	e.rules(waits("48h"))
	e.event(fail)
	e.pass(time.Hour)
	e.rules(waits("24h"))
	e.pass(72 * time.Hour)
	e.want("24h0m0s told")
}

func TestEdit_neverFires(t *testing.T) {
	e := newEditing(t)
	e.rules(waits("48h"))
	e.event(fail)
	e.pass(30 * time.Hour)
	e.rules(waits("24h"))
	e.pass(72 * time.Hour)
	e.want()
	if diff := cmp.Diff([]string{"late: skipped edited"}, e.recorded()); diff != "" {
		t.Error(diff)
	}
}

func TestEdit_ofAWaitThatIsOverdueKeepsItsNewTime(t *testing.T) {
	e := newEditing(t)
	e.rules(waits("48h"))
	e.event(fail)
	e.note()
	e.now = e.now.Add(50 * time.Hour) // heed does not run, and starts with another file
	e.rules(waits("72h"))
	e.pass(72 * time.Hour)
	e.want("72h0m0s told")
}

func TestEdit_ofAWaitThatIsOverdueAnywayFiresItOnce(t *testing.T) {
	e := newEditing(t)
	e.rules(waits("48h"))
	e.event(fail)
	e.note()
	e.now = e.now.Add(50 * time.Hour)
	e.rules(waits("47h"))
	e.pass(72 * time.Hour)
	e.want("50h0m0s told")
}

func TestEdit_withFewerStepsLeavesNothingStuck(t *testing.T) {
	e := newEditing(t)
	const steps = "- {name: late, on: quiz.submitted, wait: {per: data.userId, steps: [%s]}, do: [{action: note, text: \"{{ step }}\"}]}\n"
	e.rules(fmt.Sprintf(steps, "{after: 1h}, {after: 2h}, {after: 3h}"))
	e.event(fail)
	e.pass(90 * time.Minute)
	e.note()
	e.now = e.now.Add(time.Hour) // the second step is overdue
	e.rules(fmt.Sprintf(steps, "{after: 1h}"))
	e.pass(24 * time.Hour)
	e.want("1h0m0s 1")
	if timers, err := e.db.PendingTimers(t.Context()); err != nil || len(timers) > 0 {
		t.Errorf("pending %v, %v", timers, err)
	}
}

func TestEdit_ofWhatAnAlertSaysIsRenderedByTheNewRule(t *testing.T) {
	e := newEditing(t)
	e.rules(fmt.Sprintf(waitRule, "48h", "data.userId", "old"))
	e.event(fail)
	e.rules(strings.Replace(fmt.Sprintf(waitRule, "48h", "data.userId", "new"), "not data.passed", "data.passed", 1))
	e.pass(72 * time.Hour)
	e.want("48h0m0s new")
}

func TestEdit_aRemovedRulesStateIsKeptForSevenDays(t *testing.T) {
	for away, sent := range map[time.Duration][]string{
		6 * 24 * time.Hour: {"240h0m0s told"},
		8 * 24 * time.Hour: nil,
	} {
		e := newEditing(t)
		e.rules(waits("240h"))
		e.event(fail)
		e.rules("")
		e.pass(away)
		if _, err := e.db.Prune(t.Context(), e.now, monday.Add(-time.Hour), monday.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		e.rules(waits("240h"))
		e.pass(240 * time.Hour)
		e.want(sent...)
		if got := e.recorded()[0]; got != "late: skipped removed 1 key of wait kept for 7d" {
			t.Errorf("recorded %q", got)
		}
	}
}

func TestEdit_whatCameDueWhileARuleWasRemovedIsSkipped(t *testing.T) {
	e := newEditing(t)
	e.rules(waits("48h"))
	e.event(fail)
	e.rules("")
	e.pass(72 * time.Hour)
	e.rules(waits("48h"))
	e.pass(72 * time.Hour)
	e.want()
}

func TestEdit_wasMovesTheStateAndTheMutes(t *testing.T) {
	renamed := strings.Replace(waits("48h"), "name: late,", "name: later, was: late,", 1)
	e := newEditing(t)
	e.rules(waits("48h"))
	e.event(fail)
	e.rules(renamed)
	e.pass(72 * time.Hour)
	e.want("48h0m0s told")

	e = newEditing(t)
	e.rules(waits("48h"))
	e.event(fail)
	e.mute("late", 72*time.Hour)
	e.rules(renamed)
	e.pass(72 * time.Hour)
	e.want()
}

// TestEdit_aRenameMissesNoEventThatIsOnItsWay: the rows have moved already when an
// event comes that was decided by the rules before.
func TestEdit_aRenameMissesNoEventThatIsOnItsWay(t *testing.T) {
	rename := func(text, name, was string) string {
		return strings.NewReplacer("name: late,", "name: "+name+", was: "+was+",", "name: limited,",
			"name: "+name+", was: "+was+",").Replace(text)
	}
	decidedBefore := func(e *editing, rules, data string) {
		before := e.line
		e.line = nil
		e.rules(rules)
		after := e.line
		e.line = before
		e.event(data)
		e.note()
		e.line = after
	}
	limited := fmt.Sprintf(limitRule, 1, "forever")
	e := newEditing(t)
	e.rules(limited)
	e.event(fail)
	decidedBefore(e, rename(limited, "fewer", "limited"), fail)
	e.event(fail)
	decidedBefore(e, rename(limited, "limited", "fewer"), fail)
	e.event(fail)
	e.want("0s e1")

	other := strings.Replace(fail, "u1", "u2", 1)
	e = newEditing(t)
	e.rules(waits("48h"))
	e.event(fail)
	decidedBefore(e, rename(waits("48h"), "later", "late"), other)
	e.pass(time.Hour)
	e.rules(rename(waits("48h"), "late", "later"))
	e.pass(72 * time.Hour)
	e.want("48h0m0s told", "48h0m0s told")
}

func TestEdit_wasFindsTheStateOfARuleThatIsGone(t *testing.T) {
	e := newEditing(t)
	e.rules(waits("48h"))
	e.event(fail)
	e.rules(strings.Replace(waits("48h"), "name: late,", "name: later,", 1)) // was is forgotten at first
	e.pass(time.Hour)
	e.rules(strings.Replace(waits("48h"), "name: late,", "name: later, was: late,", 1))
	e.pass(72 * time.Hour)
	e.want("48h0m0s told")
}

func TestEdit_wasTakesNothingFromARuleThatIsThere(t *testing.T) {
	e := newEditing(t)
	e.rules(waits("48h"))
	e.event(fail)
	e.rules(waits("48h") + strings.NewReplacer("name: late,", "name: later, was: late,", "told", "other").Replace(waits("48h")))
	e.pass(72 * time.Hour)
	e.want("48h0m0s told")
}

func (e *editing) mute(rule string, d time.Duration) {
	e.t.Helper()
	if err := e.line.Run(e.t.Context(), []rulefile.Given{{At: e.now, Mute: d, MuteRule: rule}}); err != nil {
		e.t.Fatal(err)
	}
}

func TestEdit_shadowStateNeverBecomesASentAlert(t *testing.T) {
	shadow := func(rule string) string { return strings.Replace(rule, "{name", "{mode: shadow, name", 1) }
	const held = "- {name: held, on: quiz.submitted, quiet_hours: {use: night}, throttle: {at_most: 1, within: 24h}, do: [{action: note, text: \"{{ id }}\"}]}\n"
	const digest = "- {name: digest, on: quiz.submitted, digest: {every: day, at: \"09:00\"}, do: [{action: note, text: \"{{ total }}\"}]}\n"
	const rest = "- {name: storm, on: quiz.submitted, throttle: {at_most: 1, within: 1h, rest: [{action: note, text: \"{{ total }} more\"}]}, do: [{action: note, text: \"{{ id }}\"}]}\n"
	t.Run("wait", func(t *testing.T) {
		e := newEditing(t)
		e.rules(shadow(waits("48h")))
		e.event(fail)
		e.rules(waits("48h"))
		e.pass(72 * time.Hour)
		e.want()
	})
	t.Run("held alert, which uses no slot", func(t *testing.T) {
		e := newEditing(t)
		e.rules(shadow(held))
		e.pass(11 * time.Hour)
		e.event(fail)
		e.rules(held)
		e.pass(11 * time.Hour)
		e.event(fail)
		e.want("22h0m0s e2")
	})
	t.Run("digest", func(t *testing.T) {
		e := newEditing(t)
		e.rules(shadow(digest))
		e.event(fail)
		e.rules(digest)
		e.pass(48 * time.Hour)
		e.want()
	})
	t.Run("half of a digest", func(t *testing.T) {
		e := newEditing(t)
		e.rules(shadow(digest))
		e.event(fail)
		e.rules(digest)
		e.event(fail)
		e.pass(48 * time.Hour)
		e.want("23h0m0s 1")
	})
	t.Run("rest", func(t *testing.T) {
		e := newEditing(t)
		e.rules(shadow(rest))
		e.event(fail)
		e.event(fail)
		e.event(fail)
		e.rules(rest)
		e.event(fail)
		e.pass(48 * time.Hour)
		e.want("0s e1 (shadow)", "1h0m0s 1 more")
	})
	t.Run("its counts are kept", func(t *testing.T) {
		e := newEditing(t)
		count := fmt.Sprintf(countRule, 2, "24h", "data.userId")
		e.rules(shadow(count))
		e.event(fail)
		e.rules(count)
		e.event(fail)
		e.want("0s 2")
	})
}

func TestEdit_addingAThrottleKeepsHeldAlerts(t *testing.T) {
	const held = "- {name: held, on: quiz.submitted, quiet_hours: {use: night}, do: [{action: note, text: \"{{ id }}\"}]}\n"
	e := newEditing(t)
	e.rules(held)
	e.pass(11 * time.Hour)
	e.event(fail)
	e.event(fail)
	e.rules(strings.Replace(held, "do:", "throttle: {per: data.userId, at_most: 1, every: day}, do:", 1))
	e.pass(24 * time.Hour)
	e.want("22h0m0s e1")
}

func TestEdit_everyOfADigestDoesNotDelayWhatComesEarlier(t *testing.T) {
	const digest = "- {name: digest, on: quiz.submitted, digest: {every: %s, at: \"09:00\"}, do: [{action: note, text: \"{{ total }}\"}]}\n"
	e := newEditing(t)
	e.rules(fmt.Sprintf(digest, "Monday"))
	e.event(fail)
	e.rules(fmt.Sprintf(digest, "day"))
	e.event(fail)
	e.pass(10 * 24 * time.Hour)
	e.want("23h0m0s 1", "167h0m0s 1")
}

func TestEdit_aNewRuleStartsCold(t *testing.T) {
	e := newEditing(t)
	e.rules("")
	e.event(fail)
	e.rules(fmt.Sprintf(countRule, 2, "24h", "data.userId"))
	e.event(fail)
	e.want()
}
