package expression

import (
	"math"
	"time"
)

func add(f *frame, a, b any) any {
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			f.spend(len(a) + len(b))
			return a + b
		}
	case time.Time:
		if b, ok := b.(time.Duration); ok {
			return a.Add(b)
		}
	case time.Duration:
		switch b := b.(type) {
		case time.Duration:
			return asDuration(sumOf(int(a), int(b)))
		case time.Time:
			return b.Add(a)
		}
	case int:
		if b, ok := b.(int); ok {
			return sumOf(a, b)
		}
	}
	return floats(a, b, func(x, y float64) float64 { return x + y }, sumOf)
}

func subtract(_ *frame, a, b any) any {
	switch a := a.(type) {
	case time.Time:
		switch b := b.(type) {
		case time.Duration:
			if b == math.MinInt64 {
				return tooLong
			}
			return a.Add(-b)
		case time.Time:
			return a.Sub(b)
		}
	case time.Duration:
		if b, ok := b.(time.Duration); ok {
			return asDuration(differenceOf(int(a), int(b)))
		}
	case int:
		if b, ok := b.(int); ok {
			return differenceOf(a, b)
		}
	}
	return floats(a, b, func(x, y float64) float64 { return x - y }, differenceOf)
}

func multiply(_ *frame, a, b any) any {
	if d, ok := b.(time.Duration); ok {
		a, b = d, a
	}
	if d, ok := a.(time.Duration); ok {
		switch x := b.(type) {
		case int:
			return asDuration(productOf(int(d), x))
		case float64:
			return durationOf(float64(d) * x)
		default:
			return nil
		}
	}
	if x, ok := a.(int); ok {
		if y, ok := b.(int); ok {
			return productOf(x, y)
		}
	}
	return floats(a, b, func(x, y float64) float64 { return x * y }, productOf)
}

func divide(_ *frame, a, b any) any {
	x, ok1 := number(a)
	y, ok2 := number(b)
	switch {
	case ok2 && y == 0:
		return badf("a division by zero")
	case !ok1 || !ok2:
		return nil
	}
	if isSmall(x) && isSmall(y) { // both are exact, so the quotient is the nearest number
		return finite(x / y)
	}
	return quotientOf(a, b, x/y)
}

func modulo(_ *frame, a, b any) any {
	x, ok1 := a.(int)
	y, ok2 := b.(int)
	switch {
	case !ok1 || !ok2:
		return nil
	case y == 0:
		return badf("a division by zero")
	default:
		return x % y
	}
}

func power(_ *frame, a, b any) any {
	x, ok1 := number(a)
	y, ok2 := number(b)
	switch {
	case !ok1 || !ok2:
		return nil
	case isWhole(x) && isWhole(y) && y >= 0:
		base, exponent, ok := asInts(a, b)
		if !ok {
			return inexact
		}
		return powerOf(base, exponent)
	case !isExact(a) || !isExact(b):
		return inexact
	default:
		return finite(math.Pow(x, y))
	}
}

// maxSpan is the greatest length of a range such as 1..n.
const maxSpan = 100_000

func span(f *frame, a, b any) any {
	from, ok1 := a.(int)
	to, ok2 := b.(int)
	switch {
	case !ok1 || !ok2:
		return nil
	case to < from:
		return []any{}
	case to-from >= maxSpan || to-from < 0:
		return badf("the range %d..%d has more than %d numbers", from, to, maxSpan)
	}
	f.spend(to - from + 1)
	list := make([]any, 0, to-from+1)
	for i := from; i <= to; i++ {
		list = append(list, i)
	}
	return list
}
