package expression

import (
	"fmt"
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"heed/engine/event"
)

func TestPercent_isExactForWholeNumbers(t *testing.T) {
	for whole := 1; whole <= 400; whole++ {
		for part := range 2*whole + 1 {
			if part*100%whole != 0 {
				continue
			}
			data := map[string]any{"part": part, "whole": whole, "want": part * 100 / whole}
			if got, reason := decide(t, `percent(data.part, data.whole) == data.want`, data); got != True {
				t.Fatalf("percent(%d, %d) == %d is %s (%s)", part, whole, part*100/whole, got, reason)
			}
		}
	}
}

func TestPercent_takesDecimalsAsTheyAreWritten(t *testing.T) {
	for _, text := range []string{
		`percent(57, 100) >= 57`, `percent(0.57, 1) == 57`, `percent(0.07, 0.1) == 70`, `percent(28.5, 50) == 57`, `percent(1, 3) < 33.34`,
		`percent(9007199254740993, 9007199254740993) == 100`,
		`round(1.005, 2) == 1.01`, `round(-1.005, 2) == -1.01`, `round(2.675, 2) == 2.68`, `round(2.5) == 3`, `round(61.26, 1) == 61.3`,
		`round(0.5) == 1`, `round(1.4999, 0) == 1`, `mean([57, 57, 57]) == 57`, `median([3, 1, 2, 4]) == 2.5`, `max([1, [5, 2.5]]) == 5`, `min(3, 2, 7) == 2`,
		`abs(-3) == 3`, `ceil(1.2) == 2`, `floor(-1.2) == -2`, `int(2.9) == 2`, `int("7") == 7`, `float("70.5") == 70.5`,
		`fromJSON("{\"a\": 9007199254740993}").a == 9007199254740993`, `float("9007199254740993") == 9007199254740993`, `float(9007199254740993) == 9007199254740993`,
		`floor(9007199254740993) == 9007199254740993`, `round(9007199254740993) == 9007199254740993`, `2 ** -1 == 0.5`, `10 ** 18 > 9007199254740993`,
		`(0 - 1) ** 9007199254740993 == -1`, `0 ** 0 == 1`, `0 ** 4 == 0`,
		`days(1) * 3 == days(3)`, `days(0.5) == hours(12)`,
	} {
		if got, reason := decide(t, text, nil); got != True {
			t.Errorf("%s is %s (%s)", text, got, reason)
		}
	}
}

func TestOperations_hasNoResultWhereItWouldRoundWholeNumbers(t *testing.T) {
	data := map[string]any{"big": 9007199254740993, "max": math.MaxInt, "min": math.MinInt, "half": 0.5, "days": 100_000}
	for _, text := range []string{
		`data.big + data.half > 0`, `data.big - data.half > 0`, `data.half * data.big > 0`, `data.big ** data.half > 0`, `data.max * data.max > 0`, `data.max + data.max - 1 > 0`,
		`data.min - 1 < 0`, `3 ** 41 > 0`, `3 ** 99999 > 0`, `sum([data.max, data.big, 1]) > 0`, `int("9007199254740993.5") > 0`, `float("9007199254740993.5") > 0`,
		`days(data.days) * 2 > days(1)`, `days(data.days) + days(data.days) > days(1)`, `days(data.max) > days(1)`, `int(data.half * 1e300) > 0`, `mean([]) < 70`,
	} {
		if got, reason := decide(t, text, data); got != Undecided || reason == "" {
			t.Errorf("%s is %s (%s), want unknown", text, got, reason)
		}
	}
}

// Whole numbers are calculated as big.Int does it, or there is no result.
func TestOperations_isExactForWholeNumbers(t *testing.T) {
	whole := rapid.OneOf(
		rapid.Map(rapid.Int(), func(i int) any { return i }),
		rapid.Map(rapid.IntRange(-100, 100), func(i int) any { return i }),
		rapid.SampledFrom([]any{math.MaxInt, math.MinInt, 1<<53 + 1, -(1<<53 + 1), 1 << 62, 1e17, float64(1 << 60), -3.0}),
	)
	rapid.Check(t, func(t *rapid.T) {
		a, b := whole.Draw(t, "a"), whole.Draw(t, "b")
		x, y := bigInt(a), bigInt(b)
		check := func(text string, got any, want *big.Int) {
			t.Helper()
			if isUnknown(got) {
				_, _, ints := asInts(a, b)
				if want.IsInt64() && ints && text != "mean" { // whose sum may be too large
					t.Fatalf("%s of %v and %v has no result: %s", text, a, b, got.(*Unknown).Reason())
				}
				return
			}
			if bigInt(got).Cmp(want) != 0 {
				t.Fatalf("%s of %v and %v is %v, want %v", text, a, b, got, want)
			}
		}
		f := &frame{budget: budget}
		check("+", add(f, a, b), new(big.Int).Add(x, y))
		check("-", subtract(f, a, b), new(big.Int).Sub(x, y))
		check("*", multiply(f, a, b), new(big.Int).Mul(x, y))
		check("max", maxOf(f, []any{a, b}), maxBig(x, y))
		check("abs", absOf(f, []any{a}), new(big.Int).Abs(x))
		check("mean", meanOf(f, []any{a, a}), x)
		if y.Sign() != 0 {
			product := multiply(f, a, b)
			if _, ok := product.(int); ok {
				check("/", divide(f, product, b), x)
			}
		}
		if n, ok := b.(int); ok && n >= 0 && n < 70 {
			check("**", power(f, a, b), new(big.Int).Exp(x, y, nil))
		}
	})
}

func bigInt(value any) *big.Int {
	if i, ok := value.(int); ok {
		return big.NewInt(int64(i))
	}
	n, _ := big.NewFloat(value.(float64)).Int(nil)
	return n
}

func maxBig(x, y *big.Int) *big.Int {
	if x.Cmp(y) > 0 {
		return x
	}
	return y
}

func TestDecodeJSON_refusesDecimalsThatWouldBeAnotherWholeNumber(t *testing.T) {
	for literal, want := range map[string]any{
		"9007199254740993.0": event.BadNumber("9007199254740993.0"), "9007199254740992.0": float64(1 << 53), "1e20": 1e20, "0.1": 0.1, "-1.5e3": -1500.0,
		"1e400": event.BadNumber("1e400"),
	} {
		got, err := event.DecodeJSON([]byte(literal))
		if err != nil || fmt.Sprintf("%T %v", got, got) != fmt.Sprintf("%T %v", want, want) {
			t.Errorf("%s is %T %v, %v, want %T %v", literal, got, got, err, want, want)
		}
	}
}

func TestOperations_neverWrapDurationsAround(t *testing.T) {
	f := &frame{budget: budget}
	for name, got := range map[string]any{
		"+": add(f, time.Duration(math.MaxInt64), time.Second), "-": subtract(f, time.Duration(math.MinInt64), time.Second),
		"*": multiply(f, time.Duration(math.MaxInt64), 2), "* 1.5": multiply(f, 1.5, time.Duration(math.MaxInt64)), "t -": subtract(f, noon, time.Duration(math.MinInt64)),
	} {
		if !isUnknown(got) {
			t.Errorf("%s gives %v", name, got)
		}
	}
}
