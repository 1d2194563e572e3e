package expression

import (
	"fmt"
	"strconv"
	"time"

	"heed/engine/event"
)

// An Unknown is the result of an expression that has no value, with the reason. It is the
// third value of three-valued logic: every operation passes it on, until something can be
// decided without it.
type Unknown struct {
	kind unknownKind
	// The reason is formatted only on demand: a loop over a long list may have one for
	// every element.
	format string
	args   []any
}

type unknownKind uint8

const (
	missing unknownKind = iota // absent or null: ?? and == nil see it as nil
	bad                        // there, but not what it should be
	failed                     // the evaluation itself went wrong
	unasked                    // it was never looked up
)

// Reason returns what was missing or wrong: "data.score is missing".
func (u *Unknown) Reason() string { return fmt.Sprintf(u.format, u.args...) }

func missingf(format string, args ...any) *Unknown { return &Unknown{missing, format, args} }

func badf(format string, args ...any) *Unknown { return &Unknown{bad, format, args} }

func failedf(format string, args ...any) *Unknown { return &Unknown{failed, format, args} }

// described formats a value in a reason.
type described struct{ value any }

func (d described) String() string { return describe(d.value) }

// describe describes a value in a reason.
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
	case Record:
		return "a record"
	default:
		return fmt.Sprintf("a %T", value)
	}
}

func quoted(s string) string { return strconv.Quote(clip(s)) }

// clip shortens text, so that hostile values cannot fill logs and tables.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	runes := []rune(s[:min(len(s), most*4)])
	if len(runes) <= most && len(s) <= most*4 {
		return s
	}
	return string(runes[:min(len(runes)-1, most)]) + "…"
}
