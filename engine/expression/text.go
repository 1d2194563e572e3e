package expression

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"heed/engine/event"
)

// Text formats a value for people: numbers without exponents, times in RFC 3339, lists
// with commas, objects as JSON. Calculated numbers are rounded to six decimals.
func Text(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	return string(appendText(nil, value))
}

func appendText(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return b
	case string:
		return append(b, v...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case float64:
		return append(b, floatText(v)...)
	case event.BadNumber:
		return append(b, v...)
	case json.Number:
		return append(b, v...)
	case time.Time:
		return v.AppendFormat(b, time.RFC3339Nano)
	case time.Duration:
		return append(b, durationText(v)...)
	case []any:
		for i, item := range v {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendText(b, item)
		}
		return b
	case map[string]any:
		return appendJSON(b, v)
	default:
		return fmt.Append(b, v)
	}
}

// appendJSON appends a value as encoding/json would write it, but without HTML escapes
// and in one pass, since an event may hold very many values.
func appendJSON(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil, *Unknown: // a nested field of another kind
		return append(b, "null"...)
	case string:
		return appendQuoted(b, v)
	case time.Time, time.Duration:
		return appendQuoted(b, Text(v))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(b, "null"...)
		}
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, item)
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, key), ':')
			b = appendJSON(b, v[key])
		}
		return append(b, '}')
	default: // bool, int, json.Number, event.BadNumber
		return appendText(b, v)
	}
}

func appendQuoted(b []byte, text string) []byte {
	b = append(b, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func floatText(f float64) string {
	exact := strconv.FormatFloat(f, 'f', -1, 64)
	if point := strings.IndexByte(exact, '.'); point >= 0 && len(exact)-point > 7 && math.Abs(f) >= 1e-3 {
		exact = strings.TrimRight(strings.TrimRight(strconv.FormatFloat(f, 'f', 6, 64), "0"), ".")
	}
	return exact
}

// durationText formats whole days as 7d, and other durations as Go does, without zeros.
func durationText(d time.Duration) string {
	if day := 24 * time.Hour; d != 0 && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// JSON converts a value so that encoding/json writes what rules mean: exact numbers stay
// exact, times and durations become text. It returns the value itself if nothing needs to
// change.
func JSON(value any) any {
	switch v := value.(type) {
	case *Unknown: // a nested field of another kind
		return nil
	case event.BadNumber:
		return json.Number(v)
	case time.Time, time.Duration:
		return Text(v)
	case Record:
		return cellsOf(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return v
	case []any:
		if !slices.ContainsFunc(v, isForeign) {
			return v
		}
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = JSON(item)
		}
		return list
	case map[string]any:
		if !isForeign(v) {
			return v
		}
		object := make(map[string]any, len(v))
		for key, item := range v {
			object[key] = JSON(item)
		}
		return object
	default:
		return v
	}
}

// isForeign reports whether a value is, or holds, one that encoding/json would not write
// as rules mean it.
func isForeign(value any) bool {
	switch v := value.(type) {
	case *Unknown, event.BadNumber, time.Time, time.Duration:
		return true
	case float64:
		return math.IsNaN(v) || math.IsInf(v, 0)
	case []any:
		return slices.ContainsFunc(v, isForeign)
	case map[string]any:
		for _, item := range v {
			if isForeign(item) {
				return true
			}
		}
	}
	return false
}
