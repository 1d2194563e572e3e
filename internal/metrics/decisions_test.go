package metrics

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever sets come and go, each event is counted once for each rule that
// listened to it.
func TestEveryRuleThatListensIsCountedOnceForEachEvent(t *testing.T) {
	d := decisions{outcome: map[decision]float64{}}
	sets := map[string]map[string][]string{
		"one":   {"low": {"quiz"}, "both": {"quiz", "course"}},
		"two":   {"low": {"quiz"}, "new": {"course"}},
		"three": {"both": {"course"}},
	}
	want := map[decision]float64{}
	random := rand.New(rand.NewPCG(1, 2))
	for _, version := range []string{"one", "two", "two", "one", "three", "two", "one", "three"} {
		d.listen(version, sets[version])
		for range 50 {
			event := []string{"quiz", "course", "nobody's"}[random.IntN(3)]
			outcomes := map[string]string{}
			for rule, on := range sets[version] {
				for _, e := range on {
					if e == event {
						outcomes[rule] = []string{"matched", "unknown", notMatched, notMatched}[random.IntN(4)]
						want[decision{rule, outcomes[rule]}]++
					}
				}
			}
			d.count(version, event, func(yield func(rule, outcome string) bool) {
				for rule, outcome := range outcomes {
					if outcome != notMatched && !yield(rule, outcome) {
						return
					}
				}
			})
		}
		if diff := cmp.Diff(want, d.totals()); diff != "" {
			t.Fatalf("after %s (-want +got):\n%s", version, diff)
		}
	}
}

func TestARuleThatNeverDecidedAnythingIsZero(t *testing.T) {
	d := decisions{outcome: map[decision]float64{}}
	d.listen("one", map[string][]string{"low": {"quiz"}})
	if diff := cmp.Diff(map[decision]float64{{"low", notMatched}: 0}, d.totals()); diff != "" {
		t.Error(diff)
	}
}
