package expression

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
)

// ownFunctions are the functions that heed adds to those of expr. The signatures are for
// the type check; heed calls Func itself, with known values only. Functions without Func
// look something up beyond the event.
var ownFunctions = []*builtin.Function{
	durationFunction("minutes", time.Minute),
	durationFunction("hours", time.Hour),
	durationFunction("days", 24*time.Hour),
	durationFunction("weeks", 7*24*time.Hour),
	{Name: "round", Func: round, Types: signatures((func(float64) float64)(nil), (func(float64, int) float64)(nil))},
	{Name: "percent", Func: percent, Types: signatures((func(float64, float64) float64)(nil))},
	{Name: "hour", Func: hourOf, Types: signatures((func(time.Time) int)(nil), (func(time.Time, string) int)(nil))},
	{
		Name: "weekday", Func: weekdayOf,
		Types: signatures((func(time.Time) string)(nil), (func(time.Time, string) string)(nil)),
	},
	{
		Name: "format", Func: formatTime,
		Types: signatures((func(time.Time, string) string)(nil), (func(time.Time, string, string) string)(nil)),
	},
	{Name: "uuid", Func: uuidOf, Types: signatures((func(string) string)(nil))},
	{Name: "lookup", Types: signatures((func(string, string) map[string]string)(nil))},
	{Name: "progress", Types: signatures((func(string, string) float64)(nil))},
	{Name: "rank", Types: signatures((func(string, string) int)(nil))},
}

// functionNames lists all functions that a rule may call.
var functionNames = func() []string {
	var names []string
	for _, f := range builtin.Builtins {
		if _, out := forbidden[f.Name]; !out {
			names = append(names, f.Name)
		}
	}
	for _, f := range ownFunctions {
		if !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}()

func signatures(functions ...any) []reflect.Type {
	signatures := make([]reflect.Type, len(functions))
	for i, f := range functions {
		signatures[i] = reflect.TypeOf(f)
	}
	return signatures
}

// durationFunction returns days(n) or a similar function; n may be a fraction.
func durationFunction(name string, unit time.Duration) *builtin.Function {
	return &builtin.Function{
		Name:  name,
		Types: signatures((func(float64) time.Duration)(nil)),
		Func: func(args ...any) (any, error) {
			var d any
			switch n := args[0].(type) {
			case int:
				d = asDuration(productOf(n, int(unit)))
			case float64:
				d = durationOf(n * float64(unit))
			}
			if _, ok := d.(time.Duration); !ok {
				return badf("%s(%s) is not a duration", name, described{args[0]}), nil
			}
			return d, nil
		},
	}
}

// ZoneArgument maps a function to the index of the argument that names a time zone.
var ZoneArgument = map[string]int{"hour": 1, "weekday": 1, "format": 2}

// Zone returns the time zone of the given name. If there is none, zone is nil and hint
// says what to write. The machine's own zone, Local, is not accepted: a rule must decide
// the same wherever it runs.
func Zone(name string) (zone *time.Location, hint string) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, badZone.Hint
	}
	return zone, ""
}

// timeFunction returns a function that takes part of a time, in the zone in which it was
// sent or in the one named by its last argument.
func timeFunction(name string, take func(t time.Time, args []any) any) func(args ...any) (any, error) {
	return func(args ...any) (any, error) {
		t, ok := args[0].(time.Time)
		if !ok {
			return badf("%s takes a time", name), nil
		}
		if at := ZoneArgument[name]; len(args) > at {
			zoneName, _ := args[at].(string)
			zone, _ := Zone(zoneName)
			if zone == nil {
				return badf("there is no time zone %s", quoted(zoneName)), nil
			}
			t = t.In(zone)
		}
		return take(t, args), nil
	}
}

// hourOf returns a time's hour from 0 to 23; weekdayOf its day of the week, "Monday" to
// "Sunday"; formatTime formats it with a Go layout.
var (
	hourOf     = timeFunction("hour", func(t time.Time, _ []any) any { return t.Hour() })
	weekdayOf  = timeFunction("weekday", func(t time.Time, _ []any) any { return t.Weekday().String() })
	formatTime = timeFunction("format", func(t time.Time, args []any) any {
		layout, ok := args[1].(string)
		if !ok {
			return badf("format takes a time and a layout")
		}
		return t.Format(layout)
	})
)

// callFunction calls one of heed's functions.
func callFunction(name string, arguments []node) node {
	i := slices.IndexFunc(ownFunctions, func(f *builtin.Function) bool { return f.Name == name })
	if i < 0 {
		return constant(failedf("there is no function %s", name))
	}
	return apply(name, ownFunctions[i].Func, arguments)
}

// builtin compiles a call of a library function. heed implements loops over lists itself,
// since each step may be unknown; the other functions are the library's.
func (c *compiler) builtin(n *ast.BuiltinNode) node {
	if isPredicate(n) || n.Name == "count" || n.Name == "sum" {
		return c.loop(n)
	}
	if own, ok := replaced[n.Name]; ok {
		return applyOwn(n.Name, own, c.all(n.Arguments))
	}
	function := builtin.Builtins[builtin.Index[n.Name]]
	call := function.Func
	switch {
	case function.Fast != nil:
		call = func(args ...any) (any, error) { return function.Fast(args[0]), nil }
	case function.Safe != nil:
		call = func(args ...any) (any, error) {
			value, _, err := function.Safe(args...)
			return value, err
		}
	}
	return apply(n.Name, call, c.all(n.Arguments))
}

// apply calls a function once all its arguments are known. If the function returns
// nothing, as first([]) does, the value is missing.
func apply(name string, call func(...any) (any, error), arguments []node) node {
	return applyOwn(name, func(_ *frame, values []any) any {
		result, err := call(values...)
		if wrong := (*time.ParseError)(nil); errors.As(err, &wrong) {
			return badf("%s is not a time as %s%s", quoted(wrong.Value), quoted(wrong.Layout), wrong.Message)
		}
		if err != nil {
			return badf("%s: %s", name, clip(err.Error()))
		}
		return normal(result)
	}, arguments)
}

func applyOwn(name string, call func(f *frame, args []any) any, arguments []node) node {
	none := missingf("%s has no result here", name)
	return func(f *frame) (result any) {
		values := make([]any, len(arguments))
		for i, argument := range arguments {
			values[i] = argument(f)
			if isUnknown(values[i]) {
				return values[i]
			}
		}
		f.spend(cost(f, name, values))
		defer refuse(name, &result)
		if result = call(f, values); result == nil {
			return none
		}
		return result
	}
}

// cost returns how much a function may build or compare with the given arguments. It is
// computed before the function is called.
func cost(f *frame, name string, args []any) int {
	total := 16
	for _, arg := range args {
		switch v := arg.(type) {
		case string:
			total += len(v)
		case []any:
			total += len(v)
		case map[string]any:
			total += len(v)
		}
	}
	switch name {
	case "replace":
		s, old, with := text(args, 0), text(args, 1), text(args, 2)
		return total + min(strings.Count(s, old), len(s)+1)*len(with)
	case "split":
		return total + 32*strings.Count(text(args, 0), text(args, 1))
	case "join":
		if list, ok := args[0].([]any); ok {
			for _, item := range list {
				if s, isText := item.(string); isText {
					total += len(s)
				}
			}
			return total + len(list)*len(text(args, 1))
		}
	case "uniq":
		return total + min(total, 1<<15)*min(total, 1<<15)
	case "toJSON", "string":
		return total + 12*weight(args, f.budget/12)
	case "flatten", "concat", "keys", "values", "toPairs":
		return total + 8*weight(args, f.budget/8)
	case "sort", "fromJSON", "min", "max", "mean", "median", "sum":
		return total * 8
	}
	return total
}

// weight counts the values and bytes inside a value, stopping soon after most. An object
// that holds one list a hundred times counts the list a hundred times.
func weight(value any, most int) int {
	total := 1
	switch v := value.(type) {
	case string:
		return 1 + len(v)
	case []any:
		for _, item := range v {
			if total += weight(item, most-total); total > most {
				return total
			}
		}
	case map[string]any:
		for key, item := range v {
			if total += 1 + len(key) + weight(item, most-total); total > most {
				return total
			}
		}
	}
	return total
}

func text(args []any, i int) string {
	if i >= len(args) {
		return ""
	}
	s, _ := args[i].(string)
	return s
}
