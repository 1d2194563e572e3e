package store

import (
	"testing"

	"heed/engine/intake"
	"heed/engine/state"
)

// An edit is reported until its rows follow it: a crash in between loses nothing.
func TestActivateScopes_reportsAnEditUntilItIsConfirmed(t *testing.T) {
	db := openTemp(t)
	scope := state.Scope{Rule: "r", Block: state.BlockWait, Per: "data.userId"}
	activate := func(uses ...ScopeUse) (changes []string) {
		t.Helper()
		found, err := db.ActivateScopes(t.Context(), uses, event("now").ReceivedAt)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range found {
			changes = append(changes, c.Change)
		}
		return changes
	}
	confirm := func(settings string) {
		t.Helper()
		if err := db.ConfirmScope(t.Context(), scope, settings); err != nil {
			t.Fatal(err)
		}
	}
	want := func(step string, got []string, change string) {
		t.Helper()
		if change == "" && len(got) == 0 || len(got) == 1 && got[0] == change {
			return
		}
		t.Errorf("%s: %v, want %q", step, got, change)
	}
	want("the first time", activate(ScopeUse{Scope: scope, Settings: "1h"}), "")
	b := intake.Batch{Event: event("e1"), Resolve: func(_ int64, rows state.Rows) bool {
		rows.Put(state.Row{Ref: state.Ref{Scope: scope, Key: "u1"}, Data: []byte("{}")})
		return true
	}}
	if err := db.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	want("unchanged", activate(ScopeUse{Scope: scope, Settings: "1h"}), "")
	want("edited", activate(ScopeUse{Scope: scope, Settings: "1s"}), ScopeEdited)
	want("after a crash", activate(ScopeUse{Scope: scope, Settings: "1s"}), ScopeEdited)
	confirm("1s")
	want("confirmed", activate(ScopeUse{Scope: scope, Settings: "1s"}), "")
	want("removed", activate(), ScopeRemoved)
	want("restored", activate(ScopeUse{Scope: scope, Settings: "1s"}), ScopeRestored)
	want("after another crash", activate(ScopeUse{Scope: scope, Settings: "1s"}), ScopeRestored)
	confirm("1s")
	want("all confirmed", activate(ScopeUse{Scope: scope, Settings: "1s"}), "")
}
