package intake_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/state"
)

// clocked is a loop of timers over a store in memory, whose clock can be set.
type clocked struct {
	*intake.Memory
	intake *intake.Intake
	timers *intake.Timers
	wake   chan struct{}
	start  time.Time
	// ahead is how far the clock was set forward; negative for back.
	ahead atomic.Int64
	// asked counts the queries for what is due; broken makes them fail.
	asked, broken atomic.Int64
	rules         *engine.RuleSet

	mu   sync.Mutex
	sent []string
}

// DueRows implements intake.Store.
func (c *clocked) DueRows(ctx context.Context, q intake.DueQuery) ([]state.Row, time.Time, error) {
	c.asked.Add(1)
	if c.broken.Load() > 0 {
		return nil, time.Time{}, errors.New("the disk is full")
	}
	return c.Memory.DueRows(ctx, q)
}

// waiting is a rule that waits.
func waiting(name string, after time.Duration) *engine.Rule {
	rule := &engine.Rule{Name: name, On: []string{"quiz.submitted"}, Condition: expression.Always(), Time: &engine.Timing{
		Settings: state.Settings{
			Rule: name, Location: time.UTC, Wait: &state.Wait{Steps: []state.Step{{Offset: after}}},
		},
	}}
	text := render(func(*expression.Env) (any, error) { return name, nil })
	rule.Steps = []engine.Step{{Action: "console", Kind: "log", Renderer: text}}
	return rule
}

func newClocked(t *testing.T, rules ...*engine.Rule) *clocked {
	t.Helper()
	c := &clocked{
		Memory: intake.NewMemory(), wake: make(chan struct{}, 1), start: time.Now(),
		rules: engine.NewRuleSet("hash", event.Standard(), nil, rules),
	}
	var err error
	c.intake, err = intake.New(intake.Options{
		Store: c, Rules: func() *engine.RuleSet { return c.rules }, MaxAge: 8 * time.Hour,
		Stored: func(_ context.Context, _ *record.Event, _ *event.Event, _ []engine.Decision, deliveries []record.Delivery) {
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, d := range deliveries {
				c.sent = append(c.sent, d.Rule+" at "+time.Since(c.start).String())
			}
		},
		Now: c.now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.timers = &intake.Timers{Intake: c.intake, Wake: c.wake, StartedAt: c.now(), Log: slog.New(slog.DiscardHandler)}
	return c
}

func (c *clocked) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// begin starts the loop, which ends with the test.
func (c *clocked) begin(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); c.timers.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	synctest.Wait()
}

func (c *clocked) event(t *testing.T, id string) {
	t.Helper()
	e, err := event.Decode([]byte(`{"event":"quiz.submitted","data":{"userId":"u1"}}`))
	if err != nil {
		t.Fatal(err)
	}
	signature := sha256.Sum256([]byte(id))
	err = c.intake.DecideAndCommit(t.Context(), &record.Event{
		ID: id, Type: e.Type, Status: record.Accepted, ReceivedAt: c.now(), SignedAt: c.now(), Signature: signature[:],
		Body: []byte(`{"event":"quiz.submitted","data":{"userId":"u1"}}`),
	}, &e)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
	synctest.Wait()
}

// sleep lets time pass.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (c *clocked) want(t *testing.T, sent ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if diff := cmp.Diff(sent, c.sent); diff != "" {
		t.Errorf("sent: (-want +got)\n%s", diff)
	}
}

func TestTimers_fireWhenARowIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClocked(t, waiting("late", time.Hour), waiting("later", 90*time.Minute))
		c.begin(t)
		c.event(t, "e1")
		sleep(2 * time.Hour)
		c.want(t, "late at 1h0m0s", "later at 1h30m0s")
		if n := c.asked.Load(); n > 2*130 { // each minute, and after each firing
			t.Errorf("asked %d times in two hours", n)
		}
	})
}

func TestTimers_noticeAClockThatWasSetForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClocked(t, waiting("late", 48*time.Hour))
		c.begin(t)
		c.event(t, "e1")
		sleep(30 * time.Second)
		c.ahead.Store(int64(48 * time.Hour))
		sleep(time.Minute)
		c.want(t, "late at 1m0s")
	})
}

func TestTimers_fireOnceThoughTheClockIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClocked(t, waiting("late", time.Hour))
		c.begin(t)
		c.event(t, "e1")
		sleep(30 * time.Minute)
		c.ahead.Store(int64(-20 * time.Minute)) // it is due when the clock shows that hour
		sleep(40 * time.Minute)
		c.want(t)
		sleep(time.Hour)
		c.want(t, "late at 1h20m0s")
		c.ahead.Store(int64(-3 * time.Hour))
		sleep(24 * time.Hour)
		c.want(t, "late at 1h20m0s")
	})
}

func TestTimers_settleOnlyWhatCameDueBeforeTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClocked(t, waiting("before", time.Hour), waiting("after", 2*time.Hour+5*time.Second))
		c.event(t, "e1")
		<-c.wake
		sleep(2 * time.Hour) // no process runs
		c.timers.StartedAt, c.timers.Settle = c.now(), 15*time.Minute
		c.begin(t)
		sleep(time.Hour)
		c.want(t, "after at 2h0m5s", "before at 2h15m0s")
	})
}

func TestTimers_leaveRowsOfRulesThatAreNotActive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClocked(t, waiting("gone", time.Hour), waiting("late", time.Hour))
		c.event(t, "e1")
		c.rules = c.rules.Only(c.rules.Rule("late"))
		c.begin(t)
		sleep(2 * time.Hour)
		c.want(t, "late at 1h0m0s")
		if n := c.asked.Load(); n > 2*130 {
			t.Errorf("asked %d times in two hours", n)
		}
	})
}

// A rule whose rows cannot be fired keeps no other from firing, however many
// there are, and is tried again without a busy loop.
func TestTimers_aRuleThatCannotFireStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken, late := waiting("broken", time.Hour), waiting("late", time.Hour)
		c := newClocked(t, broken, late)
		for i := range 200 {
			c.State.Put(state.Row{
				Ref:  state.Ref{Scope: broken.Time.Scope(state.BlockWait), Key: string(rune('a' + i))},
				Data: []byte("{"), Due: c.now().Add(time.Minute),
			})
		}
		c.event(t, "e1")
		c.begin(t)
		sleep(time.Hour + time.Second)
		c.want(t, "broken at 1h0m0s", "late at 1h0m0s")
		if n := c.asked.Load(); n > 10*80 {
			t.Errorf("asked %d times in an hour", n)
		}
	})
}

func TestTimers_askAgainAfterTheStoreFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClocked(t, waiting("late", time.Hour))
		c.begin(t)
		c.event(t, "e1")
		c.broken.Store(1)
		sleep(2 * time.Hour)
		c.broken.Store(0)
		sleep(time.Second)
		c.want(t, "late at 2h0m1s")
	})
}
