package delivery_test

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"heed/actions"
	"heed/actions/delivery"
)

// The wait after attempt n is below min(Max, Min doubled n-1 times), and every
// wait below that can come up.
func TestBackoffStaysWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		least := rapid.Int64Range(1, int64(48*time.Hour)).Draw(t, "min")
		most := rapid.Int64Range(least, int64(30*24*time.Hour)).Draw(t, "max")
		n := rapid.IntRange(1, 1000).Draw(t, "attempt")
		p := actions.RetryPolicy{Attempts: 1000, Min: time.Duration(least), Max: time.Duration(most)}
		ceiling := new(big.Int).Lsh(big.NewInt(least), uint(n-1))
		if ceiling.Cmp(big.NewInt(most)) > 0 {
			ceiling.SetInt64(most)
		}
		asked := int64(0)
		highest := delivery.Backoff(p, n, func(limit int64) int64 { asked = limit; return limit - 1 })
		lowest := delivery.Backoff(p, n, func(int64) int64 { return 0 })
		if asked != ceiling.Int64() || highest != time.Duration(asked-1) || lowest != 0 {
			t.Fatalf("after attempt %d of %s to %s: from %s to %s, below %s, not %s", n, p.Min, p.Max, lowest, highest,
				time.Duration(asked), time.Duration(ceiling.Int64()))
		}
	})
}

func TestBackoffTakesAnyPolicy(t *testing.T) {
	zero := func(limit int64) int64 {
		if limit <= 0 {
			panic("no room")
		}
		return limit - 1
	}
	for _, p := range []actions.RetryPolicy{{}, {Min: time.Second}, {Max: time.Second}, {Min: time.Hour, Max: time.Second}, actions.DefaultRetry} {
		for _, n := range []int{-1, 0, 1, 2, 63, 64, 65, 1 << 30} {
			if got := delivery.Backoff(p, n, zero); got < 0 || got > p.Max {
				t.Errorf("%+v after attempt %d: %s", p, n, got)
			}
		}
	}
}
