package expression

import (
	"math"
	"math/big"
	"strconv"
	"time"
)

// Whole numbers are calculated exactly, or there is no result: a rule must not
// decide by a number that was rounded to another whole number. Fractions are
// rounded to the nearest float64, as everywhere.

var (
	inexact  = badf("a result that is too large to be exact")
	noNumber = badf("a result that is no number, or too large")
	tooLong  = badf("a duration of more than 292 years")
)

// number is a number as a float64; ok is false for anything else. Only an int
// beyond 2^53 may be rounded.
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

// isExact says whether a number is exact as a float64.
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

// floats calculates with two numbers at least one of which is no int. Whole
// ones whose result could have been rounded are calculated again by whole.
func floats(a, b any, operate func(x, y float64) float64, whole func(z, x, y *big.Int) *big.Int) any {
	x, ok1 := number(a)
	y, ok2 := number(b)
	switch result := operate(x, y); {
	case !ok1 || !ok2:
		return nil
	case isSmall(x) && isSmall(y) && isSmall(result):
		return result
	case isWhole(x) && isWhole(y) && finite(x) == x && finite(y) == y:
		return wholeNumber(whole(new(big.Int), bigInt(a), bigInt(b)))
	case !isExact(a) || !isExact(b):
		return inexact
	default:
		return finite(result)
	}
}

func sumOf(a, b int) any {
	if sum := a + b; (sum > a) == (b > 0) {
		return sum
	}
	return wholeNumber(new(big.Int).Add(bigInt(a), bigInt(b)))
}

func differenceOf(a, b int) any {
	if difference := a - b; (difference < a) == (b > 0) {
		return difference
	}
	return wholeNumber(new(big.Int).Sub(bigInt(a), bigInt(b)))
}

func productOf(a, b int) any {
	product := a * b
	if a > -1<<31 && a < 1<<31 && b > -1<<31 && b < 1<<31 {
		return product
	}
	if a == 0 || product/a == b && (a != -1 || b != math.MinInt) {
		return product
	}
	return wholeNumber(new(big.Int).Mul(bigInt(a), bigInt(b)))
}

// quotient is a quotient of which a side is large.
func quotient(a, b any) any {
	return nearest(new(big.Rat).Quo(rationalOf(a), rationalOf(b)))
}

// nearest is a number that was calculated in full as expressions have it.
func nearest(r *big.Rat) any {
	if r.IsInt() {
		return wholeNumber(r.Num())
	}
	f, _ := r.Float64()
	if !isSmall(f) {
		return inexact
	}
	return f
}

// wholePower is a power of whole numbers.
func wholePower(base, exponent any) any {
	x, y := bigInt(base), bigInt(exponent)
	switch {
	case x.BitLen() <= 1: // -1, 0 or 1 to the power of an even or an odd number
		parity := int64(y.Bit(0))
		if y.Sign() > 0 && parity == 0 {
			parity = 2
		}
		y = big.NewInt(parity)
	case !y.IsInt64() || y.Int64() > 1024:
		return noNumber
	}
	if int64(x.BitLen())*y.Int64() > 1<<11 { // at least 2^1024, which no float64 holds
		return noNumber
	}
	return wholeNumber(new(big.Int).Exp(x, y, nil))
}

// wholeNumber is a whole number as expressions have it, if they can hold it.
func wholeNumber(n *big.Int) any {
	if n.IsInt64() {
		return int(n.Int64())
	}
	f, accuracy := new(big.Float).SetInt(n).Float64()
	switch {
	case math.IsInf(f, 0):
		return noNumber
	case accuracy != big.Exact:
		return inexact
	default:
		return f
	}
}

// bigInt is a whole number in full.
func bigInt(value any) *big.Int {
	if i, ok := value.(int); ok {
		return big.NewInt(int64(i))
	}
	n, _ := big.NewFloat(value.(float64)).Int(nil)
	return n
}

// rationalOf is a number in full.
func rationalOf(value any) *big.Rat {
	if i, ok := value.(int); ok {
		return new(big.Rat).SetInt64(int64(i))
	}
	return new(big.Rat).SetFloat64(value.(float64))
}

// decimalOf is a number as it is written in decimals: 0.57 is 57/100, not the
// binary fraction beside it.
func decimalOf(value any) *big.Rat {
	if f, ok := value.(float64); ok && !isWhole(f) {
		r, _ := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
		return r
	}
	return rationalOf(value)
}

// asDuration is a duration of so many nanoseconds.
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
