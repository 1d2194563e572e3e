package expression

import (
	"math"
	"math/big"
	"strconv"
	"time"
)

// Calculations with whole numbers are exact, or have no result: a rule must not decide by
// a number that was rounded to another whole number. Fractions are rounded to the nearest
// float64, as usual.

var (
	inexact  = badf("a result that is too large to be exact")
	noNumber = badf("a result that is not a number, or too large")
	tooLong  = badf("a duration of more than 292 years")
)

// number returns a number as a float64; ok is false for anything else. Only an int beyond
// 2^53 may be rounded.
func number(value any) (f float64, ok bool) {
	switch v := value.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	default:
		return 0, false
	}
}

// isExact reports whether a number is exact as a float64.
func isExact(value any) bool {
	i, isInt := value.(int)
	return !isInt || compareIntFloat(i, float64(i)) == 0
}

func isSmall(f float64) bool { return f > -exactFloat && f < exactFloat }

func isWhole(f float64) bool { return f == math.Trunc(f) }

func finite(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return noNumber
	}
	return f
}

// asInt returns a number as an int; ok is false if it is not whole or does not fit.
func asInt(value any) (i int, ok bool) {
	switch v := value.(type) {
	case int:
		return v, true
	case float64:
		ok = isWhole(v) && v >= math.MinInt64 && v < math.MaxInt64
		return int(v), ok
	default:
		return 0, false
	}
}

// asInts returns two numbers as ints; ok is false if either is not whole.
func asInts(a, b any) (i, j int, ok bool) {
	i, ok1 := asInt(a)
	j, ok2 := asInt(b)
	return i, j, ok1 && ok2
}

// floats calculates with two numbers of which at least one is not an int. If both are
// whole and the result may have been rounded, it calculates again with whole.
func floats(a, b any, operate func(x, y float64) float64, whole func(i, j int) any) any {
	x, ok1 := number(a)
	y, ok2 := number(b)
	if !ok1 || !ok2 {
		return nil
	}
	result := operate(x, y)
	if isSmall(x) && isSmall(y) && isSmall(result) {
		return result
	}
	if i, j, ok := asInts(a, b); ok {
		return whole(i, j)
	}
	if isWhole(x) && isWhole(y) || !isExact(a) || !isExact(b) {
		return inexact
	}
	return finite(result)
}

func sumOf(a, b int) any {
	if sum := a + b; (sum > a) == (b > 0) {
		return sum
	}
	return inexact
}

func differenceOf(a, b int) any {
	if difference := a - b; (difference < a) == (b > 0) {
		return difference
	}
	return inexact
}

func productOf(a, b int) any {
	product := a * b
	if a == 0 || product/a == b && (a != -1 || b != math.MinInt) {
		return product
	}
	return inexact
}

// quotientOf divides two numbers of which one is large.
func quotientOf(a, b any, quotient float64) any {
	i, j, ok := asInts(a, b)
	switch {
	case ok && j == -1:
		return differenceOf(0, i)
	case ok && i%j == 0:
		return i / j
	case !isExact(a) || !isExact(b) || !isSmall(quotient):
		return inexact
	default:
		return quotient
	}
}

// powerOf raises a whole number to a non-negative exponent.
func powerOf(base, exponent int) any {
	if base >= -1 && base <= 1 && exponent > 0 { // depends only on whether the exponent is even or odd
		exponent = 2 - exponent%2
	}
	result := 1
	for range exponent {
		product, ok := productOf(result, base).(int)
		if !ok {
			return inexact
		}
		result = product
	}
	return result
}

// nearest converts an exact result to the nearest number that expressions can represent.
func nearest(r *big.Rat) any {
	if r.IsInt() && r.Num().IsInt64() {
		return int(r.Num().Int64())
	}
	f, _ := r.Float64()
	if !isSmall(f) {
		return inexact
	}
	return f
}

// decimalOf returns a number as its decimal notation reads: 0.57 is 57/100, not the
// nearest binary fraction.
func decimalOf(value any) *big.Rat {
	switch v := value.(type) {
	case int:
		return new(big.Rat).SetInt64(int64(v))
	default:
		r, _ := new(big.Rat).SetString(strconv.FormatFloat(v.(float64), 'g', -1, 64))
		return r
	}
}

// asDuration returns a duration of the given number of nanoseconds.
func asDuration(nanoseconds any) any {
	if n, ok := nanoseconds.(int); ok {
		return time.Duration(n)
	}
	return tooLong
}

func durationOf(nanoseconds float64) any {
	if math.IsNaN(nanoseconds) || nanoseconds >= math.MaxInt64 || nanoseconds < math.MinInt64 {
		return tooLong
	}
	return time.Duration(nanoseconds)
}
