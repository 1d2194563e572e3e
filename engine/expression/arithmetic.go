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
			return a + b
		case time.Time:
			return b.Add(a)
		}
	case int:
		if b, ok := b.(int); ok {
			if sum := a + b; (sum > a) == (b > 0) {
				return sum
			}
		}
	}
	return floats(a, b, func(x, y float64) float64 { return x + y })
}

func subtract(_ *frame, a, b any) any {
	switch a := a.(type) {
	case time.Time:
		switch b := b.(type) {
		case time.Duration:
			return a.Add(-b)
		case time.Time:
			return a.Sub(b)
		}
	case time.Duration:
		if b, ok := b.(time.Duration); ok {
			return a - b
		}
	case int:
		if b, ok := b.(int); ok {
			if difference := a - b; (difference < a) == (b > 0) {
				return difference
			}
		}
	}
	return floats(a, b, func(x, y float64) float64 { return x - y })
}

func multiply(_ *frame, a, b any) any {
	if d, ok := b.(time.Duration); ok {
		a, b = d, a
	}
	if d, ok := a.(time.Duration); ok {
		x, ok := number(b)
		if !ok {
			return nil
		}
		return time.Duration(float64(d) * x)
	}
	if x, ok := a.(int); ok {
		if y, ok := b.(int); ok && x > -1<<31 && x < 1<<31 && y > -1<<31 && y < 1<<31 {
			return x * y
		}
	}
	return floats(a, b, func(x, y float64) float64 { return x * y })
}

func divide(_ *frame, a, b any) any {
	if y, ok := number(b); ok && y == 0 {
		return badf("a division by zero")
	}
	return floats(a, b, func(x, y float64) float64 { return x / y })
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

func power(_ *frame, a, b any) any { return floats(a, b, math.Pow) }

// maxSpan bounds 1..n.
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

func number(value any) (float64, bool) {
	switch v := value.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	default:
		return 0, false
	}
}

func floats(a, b any, operate func(x, y float64) float64) any {
	x, ok1 := number(a)
	y, ok2 := number(b)
	if !ok1 || !ok2 {
		return nil
	}
	result := operate(x, y)
	if math.IsNaN(result) || math.IsInf(result, 0) {
		return badf("a result that is no number, or too large")
	}
	return result
}
