package delivery

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"heed/actions"
	"heed/engine/record"
)

// conclude turns an outcome into the delivery's next state.
func (l *Loop) conclude(ctx context.Context, d record.Delivery, s actions.Settings, o actions.Outcome) End {
	tries := d.Attempts - d.Spent
	end := End{At: l.Now(), Error: o.Error, Response: o.Response}
	switch {
	case o.Verdict == actions.Done:
		end.State = record.Done
	case ctx.Err() != nil: // cut off by the end of the process: no fault of the other side
		end.State, end.DueAt = record.Retrying, end.At
	case o.Verdict == actions.Dead:
		end.State = record.Dead
	case tries >= s.Retry.Attempts:
		end.State = record.Dead
		end.Error = fmt.Sprintf("given up after %d attempts; the last: %s", tries, o.Error)
		if tries == 1 {
			end.Error = "given up after its one attempt: " + o.Error
		}
	default:
		end.State = record.Retrying
		end.DueAt = end.At.Add(max(Backoff(s.Retry, tries, rand.Int64N), min(o.After, MaxAfter)))
	}
	return end
}

// MaxAfter bounds the wait that the other side can ask for.
const MaxAfter = time.Hour

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
