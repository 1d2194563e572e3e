package expression

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"heed/engine/expression/syntax"
)

const exactFloat = syntax.ExactFloat

// Number returns a number as expressions use it: an int if it is whole and small enough
// for a float to be exact.
func Number(f float64) any { return syntax.Number(f) }

// round(x) rounds to a whole number, round(x, digits) to that many decimals. Halves are
// rounded away from zero, as judged by the number's decimal notation.
func round(args ...any) (any, error) {
	x, ok := number(args[0])
	digits := 0
	if len(args) == 2 {
		digits, _ = args[1].(int)
	}
	if !ok || digits < 0 || digits > 12 {
		return badf("round takes a number and 0 to 12 digits"), nil
	}
	scale := math.Pow10(digits)
	scaled := x * scale
	if math.Abs(scaled) >= exactFloat {
		return args[0], nil // there are no further decimals to round
	}
	if fraction := math.Abs(scaled - math.Trunc(scaled)); math.Abs(fraction-0.5) < 1e-3 {
		return roundedHalf(args[0], digits), nil
	}
	return Number(math.Round(scaled) / scale), nil
}

// roundedHalf rounds a number close to the middle between two candidates.
func roundedHalf(x any, digits int) any {
	scale := new(big.Rat).SetFloat64(math.Pow10(digits))
	r := decimalOf(x)
	sign := int64(r.Sign())
	r.Abs(r).Mul(r, scale).Add(r, big.NewRat(1, 2))
	whole := new(big.Int).Quo(r.Num(), r.Denom())
	r.SetInt(whole.Mul(whole, big.NewInt(sign))).Quo(r, scale)
	f, _ := r.Float64()
	return Number(f)
}

// percent(part, whole) returns part of whole in percent, as the nearest number and not
// rounded further, so that percent(57, 100) is 57.
func percent(args ...any) (any, error) {
	part, ok1 := number(args[0])
	whole, ok2 := number(args[1])
	switch {
	case !ok1 || !ok2:
		return badf("percent takes two numbers"), nil
	case whole == 0:
		return badf("percent of zero"), nil
	case isWhole(part) && isWhole(whole) && isSmall(part*100) && isSmall(whole):
		return Number(part * 100 / whole), nil
	default:
		r := new(big.Rat).Mul(decimalOf(args[0]), big.NewRat(100, 1))
		return nearest(r.Quo(r, decimalOf(args[1]))), nil
	}
}

func absOf(_ *frame, args []any) any {
	switch x := args[0].(type) {
	case int:
		if x >= 0 {
			return x
		}
		return differenceOf(0, x)
	case float64:
		return math.Abs(x)
	default:
		return badf("abs takes a number, not %s", described{x})
	}
}

func ceilOf(_ *frame, args []any) any { return toWhole("ceil", math.Ceil, args[0]) }

func floorOf(_ *frame, args []any) any { return toWhole("floor", math.Floor, args[0]) }

func toWhole(name string, round func(float64) float64, value any) any {
	switch x := value.(type) {
	case int:
		return x
	case float64:
		return Number(round(x))
	default:
		return badf("%s takes a number, not %s", name, described{x})
	}
}

// intOf is int(x): it drops the decimals of a number, or parses a whole number.
func intOf(_ *frame, args []any) any {
	switch x := args[0].(type) {
	case int:
		return x
	case float64:
		if x < math.MinInt64 || x >= math.MaxInt64 {
			return inexact
		}
		return int(x)
	case string:
		value := numberIn(x)
		if _, ok := value.(float64); ok {
			return badf("%s is not a whole number; round(float(…)) makes one", quoted(x))
		}
		return value
	default:
		return badf("int takes a number or a text, not %s", described{x})
	}
}

// floatOf is float(x): it returns a number, or parses one.
func floatOf(_ *frame, args []any) any {
	switch x := args[0].(type) {
	case int, float64:
		return x
	case string:
		return numberIn(x)
	default:
		return badf("float takes a number or a text, not %s", described{x})
	}
}

// numberIn parses a number. If the text holds none, the result says so, and shows what a
// decimal looks like.
func numberIn(text string) any {
	if i, err := strconv.Atoi(text); err == nil {
		return i
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil && strings.Contains(text, ","):
		return badf("%s is not a number; a decimal has a point", quoted(text))
	case err != nil || math.IsNaN(f) || math.IsInf(f, 0):
		return badf("%s is not a number", quoted(text))
	case !isSmall(f):
		return inexact
	default:
		return f
	}
}

// numbersIn returns the numbers among some values, including those in lists.
func numbersIn(function string, values []any, found []any) ([]any, *Unknown) {
	for _, value := range values {
		switch v := value.(type) {
		case int, float64:
			found = append(found, v)
		case []any:
			var unknown *Unknown
			if found, unknown = numbersIn(function, v, found); unknown != nil {
				return nil, unknown
			}
		case nil:
			return nil, missingf("an element of the list is null")
		default:
			return nil, badf("%s takes numbers, not %s", function, described{v})
		}
	}
	return found, nil
}

// ofNumbers returns a function of numbers that has no result if there are none.
func ofNumbers(name string, calculate func(f *frame, numbers []any) any) func(f *frame, args []any) any {
	return func(f *frame, args []any) any {
		numbers, unknown := numbersIn(name, args, nil)
		switch {
		case unknown != nil:
			return unknown
		case len(numbers) == 0:
			return nil
		default:
			return calculate(f, numbers)
		}
	}
}

func maxOf(_ *frame, numbers []any) any { return slices.MaxFunc(numbers, inOrder) }

func minOf(_ *frame, numbers []any) any { return slices.MinFunc(numbers, inOrder) }

func meanOf(f *frame, numbers []any) any {
	total := any(0)
	for _, n := range numbers {
		if total = add(f, total, n); isUnknown(total) {
			return total
		}
	}
	return divide(f, total, len(numbers))
}

func medianOf(f *frame, numbers []any) any {
	slices.SortFunc(numbers, inOrder)
	middle := numbers[len(numbers)/2]
	if len(numbers)%2 == 1 {
		return middle
	}
	total := add(f, numbers[len(numbers)/2-1], middle)
	if isUnknown(total) {
		return total
	}
	return divide(f, total, 2)
}
