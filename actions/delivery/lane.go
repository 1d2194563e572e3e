package delivery

import (
	"math"
	"time"

	"heed/actions"
)

// Lane is what is known of one destination: whether it works, and how fast it
// takes deliveries. What is known of a single delivery, such as when it is tried
// again, is not here: one bad delivery must not hold up the others.
//
// A destination is where deliveries go: an action, or for Slack a token and
// channel, which several actions may share. The zero Lane is a destination in
// order. A queue keeps the lanes that are not; the rules for them are here, so
// that every queue follows the same.
type Lane struct {
	// Next is when the next attempt may start by the rate or the pace.
	Next time.Time `json:"next,omitzero"`
	// ClosedUntil is until when nothing may start, whatever the rate.
	ClosedUntil time.Time `json:"closed,omitzero"`

	// Failures counts the failures of the other side in a row, until they open the
	// circuit, at CircuitOpened. Then Probes counts the probes that failed.
	Failures      int       `json:"failures,omitempty"`
	CircuitOpened time.Time `json:"opened,omitzero"`
	Probes        int       `json:"probes,omitempty"`

	// Throttled is when the other side asked for a pause, and Hold how long the pause
	// is. Strikes counts the pauses without a success between them.
	Throttled time.Time     `json:"throttled,omitzero"`
	Hold      time.Duration `json:"hold,omitempty"`
	Strikes   int           `json:"strikes,omitempty"`

	// Probing says that one attempt finds out whether the other side is ready
	// again. Nothing else starts until it has ended, or its lease has.
	Probing bool `json:"probing,omitempty"`

	// Pace is the least time between two starts, as learned from the other side; zero
	// if nothing was learned. It shrinks with each success since PacedAt, fast until
	// Learned is set and slowly from then on.
	Pace    time.Duration `json:"pace,omitempty"`
	PacedAt time.Time     `json:"paced_at,omitzero"`
	Learned bool          `json:"learned,omitempty"`

	// Second is the Unix second in which Accepted deliveries were taken; Before is
	// how many were in the one before it.
	Second   int64 `json:"second,omitempty"`
	Accepted int   `json:"accepted,omitempty"`
	Before   int   `json:"before,omitempty"`
}

// The reasons for which a delivery that is due waits.
const (
	WaitRate       = "rate"        // the action's own rate, or the pace that the other side was found to take
	WaitRetryAfter = "retry_after" // the other side asked for a pause
	WaitFailing    = "failing"     // the other side fails; it is probed
	WaitOrder      = "order"       // an earlier delivery with the same order_per waits
	WaitAction     = "action"      // no action with its name is configured
)

const (
	// breakAfter is how many failures in a row open the circuit: by then other
	// deliveries would fail as well, and use up their attempts.
	breakAfter = 5
	// An open circuit is probed every probeFirst. After quickProbes failed probes, the
	// wait doubles each time, up to probeLast. The quick probes find the good
	// deliveries among bad ones.
	probeFirst  = time.Second
	quickProbes = 5
	probeLast   = 30 * time.Second
	// holdFirst is the pause if the other side asks for one and does not say how long;
	// it doubles up to holdLast.
	holdFirst = time.Second
	holdLast  = time.Minute
	// The pace starts at pacedFirst after a pause, at up to pacedLast after several, and
	// at recoveryPace after an outage. It becomes twice as fast each second until it is
	// learned, or below unpaced, where it no longer matters.
	pacedFirst   = 500 * time.Millisecond
	pacedLast    = 2 * time.Second
	recoveryPace = 20 * time.Millisecond
	unpaced      = time.Millisecond
	// A learned pace is learnedShare of the rate that was seen to be accepted. It becomes
	// faster by the factor creep each second, to find out whether more is possible now.
	// At each pause that is asked for it becomes slower, to at least slower per cent.
	learnedShare = 0.9
	creep        = 1.01
	slower       = 115
	// burst is how much time one admission may cover: at high rates several
	// attempts start at once.
	burst = 10 * time.Millisecond
)

// NextStart is when the next attempt may start at the earliest, and why it must wait
// until then.
func (l *Lane) NextStart() (at time.Time, wait string) {
	switch {
	case l.Next.After(l.ClosedUntil):
		return l.Next, WaitRate
	case !l.CircuitOpened.IsZero():
		return l.ClosedUntil, WaitFailing
	default:
		return l.ClosedUntil, WaitRetryAfter
	}
}

// Admit says how many of the wanted attempts may start now and takes note of
// them. interval is the action's own least time between two starts, lease how
// long a probe may take.
func (l *Lane) Admit(wanted int, now time.Time, interval, lease time.Duration) int {
	interval = max(interval, l.Pace)
	l.Correct(now, interval, lease)
	if start, _ := l.NextStart(); wanted <= 0 || now.Before(start) {
		return 0
	}
	n := wanted
	if l.Failures > 0 && l.CircuitOpened.IsZero() { // as many more as it takes to be sure
		n = min(n, max(1, breakAfter-l.Failures))
	}
	if interval > 0 {
		n = min(n, max(1, int(burst/interval)))
	}
	if l.IsTesting() {
		n = 1
		l.Probing, l.ClosedUntil = true, now.Add(lease)
	}
	if interval > 0 {
		l.Next = now.Add(time.Duration(n) * interval)
	}
	return n
}

// IsTesting says whether the next attempt is a probe.
func (l *Lane) IsTesting() bool { return !l.CircuitOpened.IsZero() || l.Hold > 0 }

// PrefersNewest says which delivery the next probe should take: every other
// time the one that became due last, else the first. While an endpoint fails
// because of what it is sent, good deliveries may wait behind bad ones, or
// before them.
func (l *Lane) PrefersNewest() bool { return !l.CircuitOpened.IsZero() && l.Probes%2 == 0 }

// Correct keeps a clock that was set back, or a rate that was raised, from
// leaving the lane closed for long. Its parameters are those of Admit.
func (l *Lane) Correct(now time.Time, interval, lease time.Duration) {
	if l.CircuitOpened.After(now) { // or the next probe would seem to have begun before
		l.CircuitOpened = now.Add(-1)
	}
	if l.Throttled.After(now) {
		l.Throttled = now.Add(-1)
	}
	longest := max(l.probeWait(), l.Hold)
	if l.Probing {
		longest = lease
	}
	if latest := now.Add(longest); l.ClosedUntil.After(latest) {
		l.ClosedUntil = latest
	}
	if latest := now.Add(max(interval, l.Pace, burst)); l.Next.After(latest) {
		l.Next = latest
	}
}

// Ended takes note of how an attempt ended. An attempt that started before the lane
// was closed says nothing about the destination since then.
func (l *Lane) Ended(o actions.Outcome, started, now time.Time) {
	switch {
	case o.Verdict == actions.Retry && o.Cause == actions.CauseThrottled:
		l.throttled(o.After, started, now)
	case o.Verdict == actions.Retry && o.Cause == actions.CauseServer:
		l.failed(started, now)
	default:
		l.answered(started, now)
	}
}

// Abandoned takes note of an attempt that says nothing about the destination, such as
// one that was cut off.
func (l *Lane) Abandoned(now time.Time) {
	if l.Probing {
		l.Probing, l.ClosedUntil = false, now
	}
}

// throttled begins a pause, or makes it longer.
func (l *Lane) throttled(after time.Duration, started, now time.Time) {
	hold := min(after, maxAfter)
	if hold <= 0 {
		hold = min(holdFirst<<min(l.Strikes, 10), holdLast)
	}
	until := now.Add(hold)
	if l.Hold > 0 && !started.After(l.Throttled) { // it was in flight when the pause began
		if !l.Probing && until.After(l.ClosedUntil) {
			l.Hold, l.ClosedUntil = until.Sub(l.Throttled), until
		}
		return
	}
	l.slowDown(now)
	l.Throttled, l.Hold, l.ClosedUntil = now, hold, until
	l.Strikes++
	l.Failures, l.CircuitOpened, l.Probes, l.Probing = 0, time.Time{}, 0, false
}

// slowDown sets the pace by what the other side took before it asked for a
// pause.
func (l *Lane) slowDown(now time.Time) {
	accepted := 0
	switch now.Unix() - l.Second {
	case 0:
		accepted = max(l.Accepted, l.Before)
	case 1:
		accepted = l.Accepted
	}
	switch {
	case l.Pace == 0:
		l.Pace = pacedFirst
	case accepted > 0:
		taken := time.Duration(float64(time.Second) / (learnedShare * float64(accepted)))
		l.Pace = max(taken, min(l.Pace*slower/100, holdLast))
		l.Learned = true
	default:
		l.Pace = max(l.Pace, min(2*l.Pace, pacedLast))
	}
	l.PacedAt = now
}

// failed counts a failure of the other side, and opens the circuit after some.
func (l *Lane) failed(started, now time.Time) {
	switch {
	case l.CircuitOpened.IsZero():
		if l.Failures++; l.Failures < breakAfter && !l.Probing {
			return
		}
		l.CircuitOpened, l.Probes = now, 0
	case !started.After(l.CircuitOpened):
		return
	default:
		l.Probes++
	}
	if until := now.Add(l.probeWait()); l.Probing || until.After(l.ClosedUntil) {
		l.ClosedUntil = until
	}
	l.Probing = false
}

// probeWait is how long an open circuit waits for its next probe.
func (l *Lane) probeWait() time.Duration {
	slow := max(0, l.Probes-quickProbes)
	return min(probeFirst<<min(slow, 10), probeLast)
}

// answered takes note of an answer that shows that the other side works, even if it
// refused the delivery.
func (l *Lane) answered(started, now time.Time) {
	switch {
	case !l.CircuitOpened.IsZero():
		if !started.After(l.CircuitOpened) {
			return
		}
		*l = Lane{Next: l.Next, Pace: max(recoveryPace, l.Pace), PacedAt: now, Learned: l.Learned}
	case l.Hold > 0:
		if !started.After(l.Throttled) {
			return
		}
		*l = Lane{Next: l.Next, Pace: l.Pace, PacedAt: now, Learned: l.Learned}
	case l.Pace > 0:
		l.quicken(now)
	}
	l.Failures = 0
	l.count(now)
}

// quicken shrinks the pace by the time since it last did.
func (l *Lane) quicken(now time.Time) {
	growth := 2.0
	if l.Learned {
		growth = creep
	}
	passed := max(0, now.Sub(l.PacedAt).Seconds())
	l.Pace, l.PacedAt = time.Duration(float64(l.Pace)/math.Pow(growth, passed)), now
	if l.Pace < unpaced {
		l.Pace, l.PacedAt, l.Learned = 0, time.Time{}, false
	}
}

// count counts an accepted delivery, while a pace is being learned.
func (l *Lane) count(now time.Time) {
	if l.Pace == 0 {
		l.Second, l.Accepted, l.Before = 0, 0, 0
		return
	}
	switch now.Unix() - l.Second {
	case 0:
	case 1:
		l.Before, l.Accepted = l.Accepted, 0
	default:
		l.Before, l.Accepted = 0, 0
	}
	l.Second = now.Unix()
	l.Accepted++
}

// Change says what has changed since the lane was as before, if it is worth a
// line in the log: why it is closed now, or that it works again.
func (l *Lane) Change(before *Lane) (wait string, ok bool) {
	wasFailing, wasHeld := !before.CircuitOpened.IsZero(), before.Hold > 0
	isFailing, isHeld := !l.CircuitOpened.IsZero(), l.Hold > 0
	switch {
	case isFailing && !wasFailing:
		return WaitFailing, true
	case isHeld && !wasHeld && !wasFailing && before.Pace == 0:
		return WaitRetryAfter, true
	case wasFailing && !isFailing && !isHeld:
		return "", true
	default:
		return "", false
	}
}

// IsRest says whether there is nothing to keep: the lane is in order and open.
func (l *Lane) IsRest(now time.Time) bool {
	rest := *l
	if !now.Before(rest.Next) {
		rest.Next = time.Time{}
	}
	return rest == Lane{}
}
