package delivery

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"heed/actions"
	"heed/engine/record"
)

// conclude turns an outcome into the delivery's next state. An attempt that was
// cut off by the end of the process is no fault of the other side.
func conclude(d record.Delivery, policy actions.RetryPolicy, o actions.Outcome, at time.Time, cutOff bool) End {
	tries := d.Attempts - d.Spent
	end := End{ID: d.ID, At: at, Outcome: o, Error: o.Error}
	alike := 1
	if o.Error == d.LastError {
		alike += d.Alike
	}
	switch {
	case o.Verdict == actions.Done:
		end.State = record.Done
	case cutOff:
		end.State, end.DueAt, end.Interrupted = record.Retrying, at, true
	case o.Verdict == actions.Dead:
		end.State = endState(o)
	case tries >= policy.Attempts, o.Attempts > 0 && alike >= o.Attempts:
		end.State, end.Error = givenUp(o, tries)
	default:
		end.State = record.Retrying
		end.DueAt = at.Add(max(Backoff(policy, tries, rand.Int64N), min(o.After, maxAfter)))
	}
	return end
}

// endState is the state of a delivery that is not tried again. If some recipients have
// got it, it is done, and the error says who has not.
func endState(o actions.Outcome) record.State {
	got := func(r record.Recipient) bool { return r.State == record.Done }
	if slices.ContainsFunc(o.Recipients, got) {
		return record.Done
	}
	return record.Dead
}

// givenUp is the state and the error of a delivery that was tried often enough.
func givenUp(o actions.Outcome, tries int) (record.State, string) {
	state := endState(o)
	if tries == 1 {
		return state, "given up after its one attempt: " + o.Error
	}
	return state, fmt.Sprintf("given up after %d attempts; the last: %s", tries, o.Error)
}

// maxAfter bounds the wait that the other side can ask for.
const maxAfter = time.Hour

// Backoff is the wait after the n-th attempt, n from 1: random between zero
// and p.Min doubled n-1 times, at most p.Max (full jitter). random(n) returns
// a number from 0 to n-1.
func Backoff(p actions.RetryPolicy, n int, random func(int64) int64) time.Duration {
	ceiling := p.Max
	if shift := min(max(n-1, 0), 62); p.Min <= p.Max>>shift {
		ceiling = p.Min << shift
	}
	if ceiling <= 0 {
		return 0
	}
	return time.Duration(random(int64(ceiling)))
}
