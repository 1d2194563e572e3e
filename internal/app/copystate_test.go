package app

import (
	"context"
	"slices"
	"testing"
	"time"

	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/state"
)

// keeping is a store whose rule "old" has one row of each scope, and a mute.
type keeping struct{}

func (keeping) StateRows(_ context.Context, scope state.Scope) ([]state.Row, error) {
	if scope.Rule != "old" {
		return nil, nil
	}
	return []state.Row{{Ref: state.Ref{Scope: scope, Key: "u1"}}}, nil
}

func (keeping) Mutes(context.Context) ([]state.Mute, error) {
	return []state.Mute{{Rule: "old", Until: time.Now().Add(time.Hour)}}, nil
}

func (keeping) LastSeq(context.Context) (int64, error) { return 7, nil }

func (keeping) EventsBySeq(context.Context, []int64) ([]record.Event, error) { return nil, nil }

const throttled = `
    on: quiz.submitted
    throttle: {per: data.userId, at_most: 1, within: 1h}
    do: [{action: console, text: low}]
`

// What was remembered goes with a renamed rule, unless the old name is a rule's own:
// then the new rule begins empty, as it does on a server.
func TestCopyState_followsRenamedRules(t *testing.T) {
	for name, c := range map[string]struct {
		rules string
		want  []string // rules with rows
		muted string
	}{
		"renamed": {"rules:\n  - name: new\n    was: old" + throttled, []string{"new"}, "new"},
		"copied":  {"rules:\n  - name: old" + throttled + "  - name: new\n    was: old" + throttled, []string{"old"}, "old"},
	} {
		t.Run(name, func(t *testing.T) {
			compiler := Compiler(func(string) (string, bool) { return "", false })
			loaded, problems := compiler.Compile(rulefile.NewSnapshot([]rulefile.File{
				{Name: "rules.yaml", Text: []byte("actions: {console: {log: {}}}\n" + c.rules)},
			}))
			if loaded == nil {
				t.Fatal(problems)
			}
			copied, err := CopyState(t.Context(), keeping{}, loaded.Rules)
			if err != nil {
				t.Fatal(err)
			}
			for _, rule := range []string{"old", "new"} {
				scope := state.Scope{Rule: rule, Block: state.BlockThrottle, Per: "data.userId"}
				rows, err := copied.StateRows(t.Context(), scope, "")
				if err != nil || len(rows) > 0 != slices.Contains(c.want, rule) {
					t.Errorf("%s has %d rows, %v", rule, len(rows), err)
				}
			}
			if _, muted := copied.State.Mute(c.muted, "u1", time.Now()); !muted {
				t.Errorf("%s is not muted", c.muted)
			}
			if copied.Before != 7 {
				t.Errorf("begins after %d", copied.Before)
			}
		})
	}
}
