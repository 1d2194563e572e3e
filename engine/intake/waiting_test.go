package intake_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/intake"
	"heed/engine/record"
)

// loading answers nothing until a context ends, as people do who are being loaded.
type loading struct{ ctx context.Context }

func (w loading) Resolve(expression.Query) any {
	<-w.ctx.Done()
	return nil
}

// What rules ask may take as long as the context lasts. Then nothing is stored, so
// that the sender comes again: an answer was missing, and the decision would be wrong.
func TestIntake_waitsForAnswersUntilTheContextEnds(t *testing.T) {
	submitted := event.Standard().Lookup("quiz.submitted")
	condition, problems := expression.NewScope([]*event.Type{submitted, nil}).Condition(`progress("u1", "m1") > 50`)
	if condition == nil {
		t.Fatal(problems)
	}
	rules := engine.NewRuleSet("hash", event.Standard(), nil, []*engine.Rule{
		{Name: "asks", On: []string{"quiz.submitted", "heed.source.silent"}, Condition: condition},
	})
	for name, try := range map[string]func(context.Context, *front) error{
		"a request": func(ctx context.Context, f *front) error {
			_, err := f.Accept(ctx, f.request("e1", quiz, noon))
			return err
		},
		"a replay": func(ctx context.Context, f *front) error {
			_, _, err := f.Replay(ctx, record.Event{ID: "e1", SignedAt: noon, Body: []byte(quiz)}, true)
			return err
		},
		"a preview": func(ctx context.Context, f *front) error {
			_, _, err := f.Replay(ctx, record.Event{ID: "e1", SignedAt: noon, Body: []byte(quiz)}, false)
			return err
		},
		"a notice": func(ctx context.Context, f *front) error {
			return f.Notice(ctx, "heed.source.silent", map[string]any{"message": "x"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFront(t, func(o *intake.Options) {
					o.Rules = func() *engine.RuleSet { return rules }
					o.Known = func(ctx context.Context, _ *event.Event, _ time.Time) expression.Resolver { return loading{ctx} }
				})
				ctx, stop := context.WithTimeout(t.Context(), 15*time.Second)
				defer stop()
				if err := try(ctx, f); !errors.Is(err, context.DeadlineExceeded) || f.store.event != nil || len(f.told) > 0 {
					t.Errorf("%v, and stored is %v, told %v", err, f.store.event, f.told)
				}
			})
		})
	}
}
