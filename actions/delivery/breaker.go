package delivery

import (
	"log/slog"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"heed/actions"
)

const (
	// breakAfter is how many failed attempts in a row stop an action: by then
	// the others would fail as well, and use up the attempts that they have.
	breakAfter = 5
	// breakFor is how long nothing of the action is claimed then. After it one
	// attempt is made, and its end decides.
	breakFor = 30 * time.Second
)

// breaker stops the attempts of an action whose other side is out of order. It
// measures by the monotonic clock, so no jump of the wall clock holds it open.
type breaker struct {
	circuit circuitbreaker.CircuitBreaker[any]
}

func newBreaker(log *slog.Logger) breaker {
	changed := func(e circuitbreaker.StateChangedEvent) {
		switch {
		case e.OldState == circuitbreaker.ClosedState:
			log.Warn("an action fails again and again: its deliveries wait, and one is tried now and then", "failed", breakAfter, "every", breakFor)
		case e.NewState == circuitbreaker.ClosedState:
			log.Info("an action works again: its deliveries go on")
		}
	}
	return breaker{circuitbreaker.NewBuilder[any]().
		WithFailureThreshold(breakAfter).WithSuccessThreshold(1).WithDelay(breakFor).OnStateChanged(changed).Build()}
}

// room narrows what may start now: nothing while the breaker is open, nor
// beside a trial, and one attempt when a trial is due. If the answer is none
// for a time, wait is how long.
func (b breaker) room(wanted int) (room int, wait time.Duration) {
	switch b.circuit.State() {
	case circuitbreaker.OpenState:
		if wait := b.circuit.RemainingDelay(); wait > 0 {
			return 0, wait
		}
		return min(1, wanted), 0
	case circuitbreaker.HalfOpenState:
		return 0, 0 // until the trial has ended
	default:
		return wanted, 0
	}
}

// trial says whether the attempt that starts now is the one by which it is
// found out whether the other side is in order again.
func (b breaker) trial() bool {
	return !b.circuit.IsClosed() && b.circuit.TryAcquirePermit()
}

// judge takes note of how an attempt ended. What began before the breaker
// opened says nothing of how things stand after that.
func (b breaker) judge(o actions.Outcome, trial bool) {
	switch {
	case !trial && !b.circuit.IsClosed():
	case broken(o):
		b.circuit.RecordFailure()
	default:
		b.circuit.RecordSuccess()
	}
}

// broken says whether an outcome speaks against the whole action. A refusal
// is about one delivery, and who asks for a wait is there and knows why.
func broken(o actions.Outcome) bool { return o.Verdict == actions.Retry && o.After <= 0 }
