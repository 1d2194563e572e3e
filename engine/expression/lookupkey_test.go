package expression

import (
	"strings"
	"testing"

	"heed/engine/event"
)

// A key of another kind than the table's finds no row, and is not said to have
// none: the comparison is unknown.
func TestLookup_keyOfAnotherKindIsUnknown(t *testing.T) {
	for _, text := range []string{
		`lookup("managers", data.free).email == "boss@example.com"`, `lookup("managers", data.free).email != "boss@example.com"`,
		`lookup("managers", data.free) == nil`, `"boss@example.com" in [lookup("managers", data.free).email]`,
	} {
		c, problems := factScope().Condition(text)
		if c == nil {
			t.Fatalf("%s: %v", text, problems)
		}
		env := NewEnv(&event.Event{Type: "quiz.submitted", ReceivedAt: noon, Data: map[string]any{"free": 4}}, wide, noon)
		env.SetLookups(&LookupLog{Resolver: everything().facts}, nil)
		if got, reason := c.Eval(env); text != `lookup("managers", data.free) == nil` && (got != Undecided || !strings.Contains(reason, "the number 4")) {
			t.Errorf("%s is %s (%s)", text, got, reason)
		} else if got == True {
			t.Errorf("%s is true (%s)", text, reason)
		}
	}
}
