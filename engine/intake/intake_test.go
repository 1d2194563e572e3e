package intake_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/source"
	"heed/engine/state"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// stub is a store that says what it is told to say, and what it was given. The
// real one runs in the tests of internal/store and of the whole server.
type stub struct {
	intake.Store
	verdict    intake.Verdict
	err        error
	event      *record.Event
	deliveries []record.Delivery
}

func (s *stub) Commit(_ context.Context, batches ...*intake.Batch) error {
	s.event, s.deliveries = batches[0].Event, batches[0].Deliveries
	batches[0].Verdict = s.verdict
	return s.err
}

func (s *stub) Muted(_, _ string, _ time.Time) (state.Mute, bool) { return state.Mute{}, false }

type render func(*expression.Env) (any, error)

func (r render) Render(env *expression.Env) (any, error) { return r(env) }

// front is an intake before a stub, and what it told others.
type front struct {
	*intake.Intake
	store *stub
	told  []string
}

func newFront(t *testing.T, change func(*intake.Options)) *front {
	t.Helper()
	rule := &engine.Rule{Name: "greet", On: []string{"quiz.submitted", "heed.source.silent"}, Condition: expression.Always()}
	for _, r := range []render{
		func(*expression.Env) (any, error) { return "hello", nil },
		func(*expression.Env) (any, error) { return nil, errors.New("data.userId is missing") },
	} {
		rule.Steps = append(rule.Steps, engine.Step{Action: "console", Kind: "log", Renderer: r})
	}
	rules := engine.NewRuleSet("hash", event.Standard(), nil, []*engine.Rule{rule})
	f := &front{store: &stub{}}
	o := intake.Options{
		Store: f.store, Rules: func() *engine.RuleSet { return rules }, Company: "acme", MaxAge: time.Hour, MaxAhead: time.Minute,
		Stored: func(
			_ context.Context, e *record.Event, _ *event.Event, decisions []engine.Decision, deliveries []record.Delivery,
		) {
			f.told = append(f.told, fmt.Sprintf("stored %s, %d decisions, %d deliveries", e.ID, len(decisions), len(deliveries)))
		},
		Learn: func(_ context.Context, e *record.Event, learnt *event.Event) {
			f.told = append(f.told, fmt.Sprintf("learn %s: %v", e.ID, learnt != nil))
		},
		Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	var err error
	if f.Intake, err = intake.New(o); err != nil {
		t.Fatal(err)
	}
	return f
}

const quiz = `{"event":"quiz.submitted","companyId":"acme","data":{}}`

func (f *front) request(id, body string, signedAt time.Time) intake.Request {
	return intake.Request{
		Source: source.MindtickleSource(), ID: id, SignedAt: signedAt, Signature: []byte(id), Body: []byte(body),
	}
}

func (f *front) accept(id, body string, signedAt time.Time) (intake.Answer, error) {
	events, err := f.Accept(context.Background(), f.request(id, body, signedAt))
	if err != nil {
		return intake.Answer{}, err
	}
	return events[0], nil
}

func TestAnEventIsCommittedWithItsDecisionsAndDeliveries(t *testing.T) {
	f := newFront(t, nil)
	answer, err := f.accept("e1", quiz, noon)
	if err != nil || answer != (intake.Answer{Source: "mindtickle", Type: "quiz.submitted", ID: "e1", Deliveries: 2}) {
		t.Errorf("%+v, %v", answer, err)
	}
	if e := f.store.event; e.Status != record.Accepted || e.RuleSet != "hash" || !cmp.Equal(e.Decisions, []record.Decision{{Rule: "greet", Outcome: "matched"}}) {
		t.Errorf("%+v", e)
	}
	var rows []string
	for _, d := range f.store.deliveries {
		rows = append(rows, fmt.Sprintf("%s %s %s due %t", d.State, d.Request, d.LastError, !d.DueAt.IsZero()))
	}
	if want := []string{`pending "hello"  due true`, `dead  data.userId is missing due false`}; !cmp.Equal(rows, want) {
		t.Error(cmp.Diff(want, rows))
	}
	if want := []string{"learn e1: true", "stored e1, 1 decisions, 2 deliveries"}; !cmp.Equal(f.told, want) {
		t.Error(cmp.Diff(want, f.told))
	}
}

func TestWhatCannotBeUsedIsSetAside(t *testing.T) {
	for reason, c := range map[string]struct {
		body     string
		signedAt time.Time
	}{
		"other_company":  {`{"event":"quiz.submitted","companyId":"other"}`, noon},
		"reserved_type":  {`{"event":"heed.source.silent","companyId":"acme"}`, noon},
		"long_type":      {`{"event":"` + strings.Repeat("ä", 201) + `","companyId":"acme"}`, noon},
		"outside_window": {quiz, noon.Add(-time.Hour - time.Second)},
		"no_event":       {`{"companyId":"acme"}`, noon},
		"not_json":       {`{`, noon},
	} {
		f := newFront(t, nil)
		answer, err := f.accept("e1", c.body, c.signedAt)
		if err != nil || answer.Quarantined != reason || f.store.event.Reason != reason || f.store.deliveries != nil || f.store.event.Decisions != nil {
			t.Errorf("%s: %+v, %v, %+v", reason, answer, err, f.store.event)
		}
		if want := []string{"learn e1: false", "stored e1, 0 decisions, 0 deliveries"}; !cmp.Equal(f.told, want) {
			t.Error(reason, cmp.Diff(want, f.told))
		}
	}
	f := newFront(t, nil)
	if answer, _ := f.accept("e1", quiz, noon.Add(time.Minute+time.Second)); answer.Quarantined != "outside_window" {
		t.Errorf("from the future: %+v", answer)
	}
}

// Only what the source itself has sent just now shows that it works. Whether it
// is new is the store's to say.
func TestAccept_onlyWhatShowsThatTheSourceWorksIsGood(t *testing.T) {
	for name, c := range map[string]struct {
		body     string
		signedAt time.Time
		good     bool
	}{
		"an event":               {quiz, noon, true},
		"an old one":             {quiz, noon.Add(-time.Hour - time.Second), false},
		"one of the future":      {quiz, noon.Add(time.Minute + time.Second), false},
		"another company's":      {`{"event":"quiz.submitted","companyId":"other"}`, noon, true},
		"garbage":                {`{`, noon, true},
		"garbage of long ago":    {`{`, noon.Add(-30 * 24 * time.Hour), false},
		"a year-long difference": {quiz, time.Time{}, false},
	} {
		f := newFront(t, nil)
		if _, err := f.accept("e1", c.body, c.signedAt); err != nil || f.store.event.Good != c.good {
			t.Errorf("%s: good is %t, error %v", name, f.store.event.Good, err)
		}
	}
	f := newFront(t, nil)
	if err := f.Notice(t.Context(), "heed.source.silent", nil); err != nil || f.store.event.Good {
		t.Errorf("heed's own event: %+v, %v", f.store.event, err)
	}
	stored := record.Event{ID: "e1", ReceivedAt: noon, SignedAt: noon, Body: []byte(quiz)}
	if _, _, err := f.Replay(t.Context(), stored, true); err != nil || f.store.event.Good {
		t.Errorf("a replay by a person: %+v, %v", f.store.event, err)
	}
}

func TestNobodyIsToldOfWhatWasNotStored(t *testing.T) {
	f := newFront(t, nil)
	f.store.verdict = intake.Duplicate
	if answer, err := f.accept("e1", quiz, noon); err != nil || !answer.Duplicate || f.told != nil {
		t.Errorf("a duplicate: %+v, %v, %v", answer, err, f.told)
	}
	f.store.verdict = intake.Counted
	if answer, err := f.accept("e1", quiz, noon); err != nil || answer.Quarantined != intake.SignatureReused || f.told != nil {
		t.Errorf("a signature reused: %+v, %v, %v", answer, err, f.told)
	}
	f.store.verdict, f.store.err = intake.Stored, errors.New("the disk is full")
	if answer, err := f.accept("e1", quiz, noon); err == nil || answer != (intake.Answer{}) || f.told != nil {
		t.Errorf("a full disk: %+v, %v, %v", answer, err, f.told)
	}
}

func TestAccept_observersGetTheContextOfTheRequest(t *testing.T) {
	type key struct{}
	var stored, learnt any
	f := newFront(t, func(o *intake.Options) {
		o.Stored = func(ctx context.Context, _ *record.Event, _ *event.Event, _ []engine.Decision, _ []record.Delivery) {
			stored = ctx.Value(key{})
		}
		o.Learn = func(ctx context.Context, _ *record.Event, _ *event.Event) { learnt = ctx.Value(key{}) }
	})
	_, err := f.Accept(context.WithValue(t.Context(), key{}, "a request"), intake.Request{
		Source: source.MindtickleSource(), ID: "e1", SignedAt: noon, Signature: []byte("e1"), Body: []byte(quiz),
	})
	if err != nil || stored != "a request" || learnt != "a request" {
		t.Errorf("stored %v, learnt %v, %v", stored, learnt, err)
	}
}

func TestIDsOfHeedsOwnAreNotTakenFromOutside(t *testing.T) {
	for _, id := range []string{"", "heed.notice-1"} {
		f := newFront(t, nil)
		if answer, _ := f.accept(id, quiz, noon); len(answer.ID) != 64 || intake.IsNotice(answer.ID) {
			t.Errorf("%q is stored as %q", id, answer.ID)
		}
	}
}

func TestNoSendHoldsWhatIsRendered(t *testing.T) {
	f := newFront(t, func(o *intake.Options) { o.NoSend = true })
	if _, err := f.accept("e1", quiz, noon); err != nil || f.store.deliveries[0].State != record.Held || !f.store.deliveries[0].DueAt.IsZero() {
		t.Errorf("%+v, %v", f.store.deliveries, err)
	}
}

func TestAReplayIsStoredOnlyIfItIsSent(t *testing.T) {
	f := newFront(t, nil)
	stored := record.Event{ID: "e1", ReceivedAt: noon.Add(-time.Hour), SignedAt: noon.Add(-time.Hour), Body: []byte(quiz)}
	decisions, deliveries, err := f.Replay(context.Background(), stored, false)
	if err != nil || len(decisions) != 1 || decisions[0].Explanation == nil || len(deliveries) != 2 || f.store.event != nil {
		t.Errorf("%v, %v, %v, %v", decisions, deliveries, err, f.store.event)
	}
	if _, _, err := f.Replay(context.Background(), stored, true); err != nil || f.store.event.Status != record.Replayed || f.store.event.ID != "e1" || !f.store.event.ReceivedAt.Equal(noon) {
		t.Errorf("%v, %+v", err, f.store.event)
	}
	if want := []string{"learn e1: false", "stored e1, 1 decisions, 2 deliveries"}; !cmp.Equal(f.told, want) {
		t.Error(cmp.Diff(want, f.told))
	}
	if _, _, err := f.Replay(context.Background(), record.Event{ID: "e2", Body: []byte("{")}, true); err == nil || !strings.Contains(err.Error(), "it cannot be replayed") {
		t.Errorf("garbage is replayed: %v", err)
	}
}

func TestANoticeIsTakenInWhereARuleListens(t *testing.T) {
	f := newFront(t, nil)
	if err := f.Notice(context.Background(), "heed.rules.rejected", map[string]any{"message": "x"}); err != nil || f.store.event != nil {
		t.Errorf("nobody listens, and it is stored: %v, %+v", err, f.store.event)
	}
	if err := f.Notice(context.Background(), "heed.source.silent", map[string]any{"message": "x"}); err != nil || !intake.IsNotice(f.store.event.ID) || len(f.store.deliveries) != 2 {
		t.Errorf("%v, %+v", err, f.store.event)
	}
}
