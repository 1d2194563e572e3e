package expression

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"heed/engine/event"
)

// Unknown is the result of an expression that has none, and why. It is what
// three-valued logic is made of: it travels through every operation until
// something can be decided without it.
type Unknown struct {
	// Reason says what was missing or wrong: "data.score is missing".
	Reason string
	kind   unknownKind
}

type unknownKind uint8

const (
	missing unknownKind = iota // absent or null: ?? and == nil see it as nil
	bad                        // there, but not what it should be
	failed                     // the evaluation itself went wrong
)

func missingf(format string, args ...any) *Unknown {
	return &Unknown{fmt.Sprintf(format, args...), missing}
}

func badf(format string, args ...any) *Unknown {
	return &Unknown{fmt.Sprintf(format, args...), bad}
}

func failedf(format string, args ...any) *Unknown {
	return &Unknown{fmt.Sprintf(format, args...), failed}
}

// describe says what a value is, for reasons.
func describe(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return "the text " + quoted(v)
	case bool:
		return strconv.FormatBool(v)
	case int, float64:
		return "the number " + Text(v)
	case event.BadNumber:
		return "the number " + clip(string(v)) + ", too large to calculate with"
	case time.Time:
		return "the time " + Text(v)
	case time.Duration:
		return "the duration " + Text(v)
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return fmt.Sprintf("a %T", value)
	}
}

func quoted(s string) string { return strconv.Quote(clip(s)) }

// clip keeps hostile values from filling logs and tables.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	runes := []rune(s[:most*4/3])
	return string(runes[:min(len(runes)-1, most)]) + "…"
}

// Text is a value as people read it: numbers without exponents, times in RFC
// 3339, lists with commas, objects as JSON. Numbers that were calculated are
// rounded to six decimals.
func Text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case float64:
		return floatText(v)
	case event.BadNumber:
		return string(v)
	case json.Number:
		return v.String()
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case time.Duration:
		return durationText(v)
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = Text(item)
		}
		return strings.Join(parts, ", ")
	default:
		text, err := json.Marshal(JSON(v))
		if err != nil {
			return fmt.Sprint(v)
		}
		return string(text)
	}
}

func floatText(f float64) string {
	exact := strconv.FormatFloat(f, 'f', -1, 64)
	if point := strings.IndexByte(exact, '.'); point >= 0 && len(exact)-point > 7 && math.Abs(f) >= 1e-3 {
		exact = strings.TrimRight(strings.TrimRight(strconv.FormatFloat(f, 'f', 6, 64), "0"), ".")
	}
	return exact
}

// durationText writes whole days as 7d, the rest as Go does without its zeros.
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

// JSON turns a value into one that encoding/json writes as rules mean it:
// exact numbers stay exact, durations become text.
func JSON(value any) any {
	switch v := value.(type) {
	case *Unknown: // a field of another kind inside data
		return nil
	case event.BadNumber:
		return json.Number(v)
	case time.Time, time.Duration:
		return Text(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return v
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = JSON(item)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, item := range v {
			object[key] = JSON(item)
		}
		return object
	default:
		return v
	}
}
