package admin

import (
	"context"
	"time"

	"heed/engine/backtest"
)

// BacktestQuery asks for a backtest. Rules and Against are texts of rule files;
// empty Rules are the active ones, as is Against if it is the word "active".
// Without Against nothing is compared.
type BacktestQuery struct {
	// File, if not empty, is the active rule file that Rules replace; the other files
	// stay. Otherwise Rules are all rules.
	File           string
	Rules, Against string
	Since, Until   time.Time
}

// maxBacktest bounds how long a backtest for the API may take. What is known by
// then is answered.
const maxBacktest = time.Minute

// Backtest runs rules over the recorded events. One runs at a time.
func (s *Service) Backtest(ctx context.Context, q BacktestQuery) (backtest.Result, error) {
	if s.o.Backtest == nil {
		return backtest.Result{}, errNoServer
	}
	if q.Rules == "" && q.Against == "active" {
		return backtest.Result{}, errorf(Invalid, "give rules that the active ones are compared with")
	}
	if err := checkSpan(q.Since, q.Until); err != nil {
		return backtest.Result{}, err
	}
	if q.File != "" {
		file, err := s.RuleText(ctx, q.File)
		if err != nil {
			return backtest.Result{}, err
		}
		q.File = file.Name
	}
	if !s.backtesting.TryLock() {
		return backtest.Result{}, errorf(Conflict, "another backtest runs: try again when it is done")
	}
	defer s.backtesting.Unlock()
	ctx, stop := context.WithTimeout(ctx, maxBacktest)
	defer stop()
	result, problems, err := s.o.Backtest(ctx, q)
	if problems != nil {
		return result, &Error{Text: err.Error(), Problems: problems}
	}
	if err == nil {
		err = s.maskSamples(ctx, result.Diff)
	}
	return result, err
}

// maskSamples masks why alerts differ, which names values of their events.
func (s *Service) maskSamples(ctx context.Context, diff *backtest.Diff) error {
	m := s.masker(ctx)
	if m == nil || diff == nil {
		return nil
	}
	for i := range diff.Samples {
		e, _, err := s.o.Store.Event(ctx, diff.Samples[i].EventID)
		if err != nil {
			return err
		}
		m.learn(&e)
		diff.Samples[i].Why = m.text(diff.Samples[i].Why)
	}
	return nil
}
