package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"heed/engine"
	"heed/engine/backtest"
	"heed/engine/document"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/people"
	"heed/engine/record"
	"heed/engine/rulefile"
)

// BacktestStore has recorded events and the rules of then.
type BacktestStore interface {
	backtest.Events
	NewestRuleSet(context.Context) (record.RuleSet, bool, error)
	// SeqBefore returns the number of an event before which all came before a time.
	SeqBefore(ctx context.Context, at time.Time) (int64, error)
}

// BacktestOptions say what a backtest runs.
type BacktestOptions struct {
	Rules *engine.RuleSet
	// Against are the rules to compare with; nil for none.
	Against      *engine.RuleSet
	Since, Until time.Time
	// MaxAge is that of the server; 0 for its default.
	MaxAge time.Duration
	// Quick leaves people out who are only known by older events.
	Quick    bool
	Progress func(at time.Time, events int)
}

// Backtest runs rules over the recorded events of a store.
func Backtest(ctx context.Context, s BacktestStore, o BacktestOptions) (backtest.Result, error) {
	from := int64(0)
	if o.Quick {
		var err error
		if from, err = s.SeqBefore(ctx, o.Since.Add(-quickWarmUp)); err != nil {
			return backtest.Result{}, err
		}
	}
	return backtest.Run(ctx, backtest.Options{
		From: from, Rules: o.Rules, Against: o.Against, Since: o.Since, Until: o.Until, Events: s,
		MaxAge: cmp.Or(o.MaxAge, DefaultMaxAge), Progress: o.Progress,
		NewPeople: func() backtest.People { return foldedPeople{people.New()} },
	})
}

// quickWarmUp is how long before Since a quick backtest begins, for the state that
// the rules have then.
const quickWarmUp = 7 * 24 * time.Hour

// foldedPeople is what the events so far tell of people, or what a copy does.
type foldedPeople struct{ *people.Directory }

// Resolve implements backtest.People and ruletest.People.
func (f foldedPeople) Resolve(e *event.Event, signedAt time.Time) expression.Resolver {
	return facts{f.As(e, signedAt)}
}

// errNoActiveRules says that a store has no rules that were ever active.
var errNoActiveRules = errors.New("no rules were ever active with this store")

// ActiveRules compiles the rules that were activated last with a store.
func ActiveRules(ctx context.Context, s BacktestStore, env LookupEnv) (*engine.RuleSet, error) {
	recorded, found, err := s.NewestRuleSet(ctx)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, errNoActiveRules
	}
	files := make([]rulefile.File, len(recorded.Files))
	for i, f := range recorded.Files {
		files[i] = rulefile.File{Name: f.Name, Text: []byte(f.Text)}
	}
	loaded, problems := withoutSecrets(env).Compile(rulefile.RecordedSnapshot(files, recorded.Hash))
	if loaded == nil {
		return nil, fmt.Errorf("the active rules cannot be read by this version of heed (%s)",
			document.Summary(problems))
	}
	return loaded.Rules, nil
}
