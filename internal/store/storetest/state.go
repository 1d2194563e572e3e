package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"heed/engine/intake"
	"heed/engine/people"
	"heed/engine/state"
)

// stateStore is what a store must do with what rules remember.
type stateStore interface {
	intake.Store
	// ScopeSince is when a rule began to keep the state of a scope; zero if it keeps none.
	ScopeSince(ctx context.Context, scope state.Scope) (time.Time, error)
	// Mutes are all mutes, the newest first. AddMute numbers a mute; EndMutes ends
	// those of a rule that hold, or of one key of it; RenameMutes moves them to
	// another rule.
	Mutes(context.Context) ([]state.Mute, error)
	AddMute(context.Context, state.Mute) (state.Mute, error)
	EndMutes(ctx context.Context, rule, key string, now time.Time) ([]state.Mute, error)
	RenameMutes(ctx context.Context, was, rule string) error
}

var stateTests = map[string]func(*testing.T, Store){
	"a row is kept as it was put":                              testStateRow,
	"each write of a row gives it another version":             testStateVersion,
	"rows of other scopes are others":                          testStateScopes,
	"a batch sees the rows of those before it":                 testStateWithin,
	"rows are found and deleted by a prefix":                   testStatePrefix,
	"keys are counted":                                         testStateKeys,
	"a scope is known since its first row":                     testStateSince,
	"due rows come in the order in which they are due":         testStateDue,
	"rows that are due together come in an order of their own": testStateDueTogether,
	"due rows are those of the scopes that are asked for":      testStateDueScopes,
	"waits that came due before the start settle":              testStateSettle,
	"a duplicate is not resolved":                              testStateDuplicate,
	"a batch that does not hold any more stores nothing":       testStateStale,
	"batches are committed together or not at all":             testStateTogether,
	"what panics while it is resolved is an error":             testStatePanic,
	"resolve is told the number of the event":                  testStateSeq,
	"mutes hold in transactions until their end":               testMutes,
	"mutes are ended and renamed":                              testMutesEnd,
	"rows of a person are forgotten":                           testStateForget,
	"rows that mean nothing any more are pruned":               testStatePrune,
	"events that rows need are not pruned":                     testStateNeeded,
	"rows are the same after many commits at the same time":    testStateRace,
}

func ref(rule, block, key string) state.Ref {
	return state.Ref{Scope: state.Scope{Rule: rule, Block: block, Per: "data.userId"}, Key: key}
}

// change commits an event that changes rows.
func change(t *testing.T, s Store, id string, resolve func(rows state.Rows)) *intake.Batch {
	t.Helper()
	b := &intake.Batch{Event: accepted(id, id, id), Resolve: func(_ int64, rows state.Rows) bool {
		resolve(rows)
		return true
	}}
	if err := s.Commit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return b
}

// put commits an event that puts rows.
func put(t *testing.T, s Store, id string, rows ...state.Row) {
	t.Helper()
	change(t, s, id, func(in state.Rows) {
		for _, row := range rows {
			in.Put(row)
		}
	})
}

func stateRow(t *testing.T, s Store, ref state.Ref) (state.Row, bool) {
	t.Helper()
	row, ok, err := s.StateRow(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return row, ok
}

func testStateSince(t *testing.T, s Store) {
	at, before := ref("r", state.BlockCount, "u1"), time.Now().Add(-time.Second)
	since := func() time.Time {
		t.Helper()
		got, err := s.ScopeSince(t.Context(), at.Scope)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := since(); !got.IsZero() {
		t.Errorf("a scope that there is not is known since %s", got)
	}
	put(t, s, "e1", state.Row{Ref: at, Data: []byte("{}")})
	first := since()
	if first.Before(before) || first.After(time.Now().Add(time.Second)) {
		t.Errorf("known since %s", first)
	}
	put(t, s, "e2", state.Row{Ref: ref("r", state.BlockCount, "u2"), Data: []byte("{}")})
	if got := since(); !got.Equal(first) {
		t.Errorf("known since %s, then %s", first, got)
	}
}

func stateKeys(t *testing.T, s Store, scope state.Scope) int {
	t.Helper()
	n, err := s.ScopeKeys(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func prefixed(t *testing.T, s Store, scope state.Scope, prefix string) (keys []string) {
	t.Helper()
	rows, err := s.StateRows(t.Context(), scope, prefix)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		keys = append(keys, row.Key)
	}
	return keys
}

func dueKeys(t *testing.T, s Store, q intake.DueQuery) (keys []string, next time.Time) {
	t.Helper()
	rows, next, err := s.DueRows(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		keys = append(keys, row.Key)
	}
	return keys, next
}

var ignoreVersion = cmpopts.IgnoreFields(state.Row{}, "Version")

func testStateRow(t *testing.T, s Store) {
	full := state.Row{
		Ref: ref("r", state.BlockWait, "u1"), User: "u1", Data: []byte(`{"p":1}`), Due: t0.Add(time.Hour), Expires: t0.Add(2 * time.Hour),
	}
	bare := state.Row{Ref: ref("r", state.BlockCount, "[\"ü\",\"\x00\"]"), Data: []byte(`{}`)}
	put(t, s, "e1", full, bare)
	for _, want := range []state.Row{full, bare} {
		got, ok := stateRow(t, s, want.Ref)
		if diff := cmp.Diff(want, got, ignoreVersion); !ok || diff != "" {
			t.Errorf("%v %s", ok, diff)
		}
	}
	full.Due, full.Expires, full.Data = time.Time{}, time.Time{}, []byte(`{"p":2}`)
	put(t, s, "e2", full)
	got, _ := stateRow(t, s, full.Ref)
	if diff := cmp.Diff(full, got, ignoreVersion); diff != "" {
		t.Error(diff)
	}
	change(t, s, "e3", func(rows state.Rows) { rows.Delete(full.Ref) })
	if _, ok := stateRow(t, s, full.Ref); ok {
		t.Error("a deleted row is there")
	}
	if _, ok := stateRow(t, s, ref("nobody's", state.BlockWait, "u1")); ok {
		t.Error("a row of a scope that never was is there")
	}
}

func testStateVersion(t *testing.T, s Store) {
	row := state.Row{Ref: ref("r", state.BlockCount, "u1"), Data: []byte(`{}`)}
	seen := map[int64]bool{}
	for i := range 5 {
		put(t, s, fmt.Sprint("e", i), row)
		got, _ := stateRow(t, s, row.Ref)
		change(t, s, fmt.Sprint("f", i), func(rows state.Rows) {
			if inside, _ := rows.Get(row.Ref); inside.Version != got.Version {
				t.Errorf("version %d inside, %d outside", inside.Version, got.Version)
			}
		})
		if seen[got.Version] {
			t.Errorf("version %d twice", got.Version)
		}
		seen[got.Version] = true
	}
	change(t, s, "g", func(rows state.Rows) { rows.Delete(row.Ref) })
	put(t, s, "h", row)
	if got, _ := stateRow(t, s, row.Ref); seen[got.Version] {
		t.Error("a row that was deleted has an old version again")
	}
}

func testStateScopes(t *testing.T, s Store) {
	first := ref("r", state.BlockCount, "u1")
	others := []state.Ref{ref("r2", state.BlockCount, "u1"), ref("r", state.BlockWait, "u1"), ref("r", state.BlockCount, "u2"), first}
	others[3].Scope.Per = "data.quizId"
	put(t, s, "e1", state.Row{Ref: first, Data: []byte(`{}`)})
	for _, other := range others {
		if _, ok := stateRow(t, s, other); ok {
			t.Errorf("%+v is there", other)
		}
	}
}

func testStateWithin(t *testing.T, s Store) {
	at := ref("r", state.BlockCount, "u1")
	var seen []string
	batch := func(id string) *intake.Batch {
		return &intake.Batch{Event: accepted(id, id, id), Refs: []state.Ref{at}, Resolve: func(_ int64, rows state.Rows) bool {
			row, _ := rows.Get(at)
			seen = append(seen, string(row.Data))
			rows.Put(state.Row{Ref: at, Data: []byte(`"` + id + `"`)})
			row, _ = rows.Get(at)
			seen = append(seen, string(row.Data))
			return true
		}}
	}
	if err := s.Commit(t.Context(), batch("a"), batch("b")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"", `"a"`, `"a"`, `"b"`}, seen); diff != "" {
		t.Error(diff)
	}
}

func testStatePrefix(t *testing.T, s Store) {
	scope := state.Scope{Rule: "r", Block: state.BlockItem}
	row := func(key string) state.Row {
		return state.Row{Ref: state.Ref{Scope: scope, Key: key}, Data: []byte(`{"e":{"t":1}}`)}
	}
	put(t, s, "e1", row("k\x00a\x00"), row("k\x00b\x00"), row("k2\x00a\x00"), row("k"), row("k\x00"))
	if diff := cmp.Diff([]string{"k\x00", "k\x00a\x00", "k\x00b\x00"}, prefixed(t, s, scope, "k\x00")); diff != "" {
		t.Error(diff)
	}
	if n := len(prefixed(t, s, scope, "")); n != 5 {
		t.Errorf("%d rows in all", n)
	}
	change(t, s, "e2", func(rows state.Rows) {
		rows.Put(row("k\x00new\x00"))
		rows.Put(row("k\x00a\x00"))
		rows.Delete(state.Ref{Scope: scope, Key: "k\x00b\x00"})
		rows.DeletePrefix(scope, "k\x00")
		for _, key := range []string{"k\x00new\x00", "k\x00a\x00", "k\x00b\x00"} {
			if _, ok := rows.Get(state.Ref{Scope: scope, Key: key}); ok {
				t.Errorf("%q is there", key)
			}
		}
		rows.Put(row("k\x00after\x00"))
	})
	if diff := cmp.Diff([]string{"k", "k\x00after\x00", "k2\x00a\x00"}, prefixed(t, s, scope, "")); diff != "" {
		t.Error(diff)
	}
	if n := stateKeys(t, s, scope); n != 3 {
		t.Errorf("%d keys are counted", n)
	}
}

func testStateKeys(t *testing.T, s Store) {
	scope := ref("r", state.BlockCount, "").Scope
	inside := func(id string, want int, resolve func(rows state.Rows)) {
		t.Helper()
		change(t, s, id, func(rows state.Rows) {
			resolve(rows)
			if n := rows.Keys(scope); n != want {
				t.Errorf("%d keys inside, want %d", n, want)
			}
		})
		if n := stateKeys(t, s, scope); n != want {
			t.Errorf("%d keys outside, want %d", n, want)
		}
	}
	row := func(key string) state.Row {
		return state.Row{Ref: state.Ref{Scope: scope, Key: key}, Data: []byte(`{}`)}
	}
	inside("e0", 0, func(state.Rows) {})
	inside("e1", 2, func(rows state.Rows) { rows.Put(row("a")); rows.Put(row("b")); rows.Put(row("a")) })
	inside("e2", 2, func(rows state.Rows) { rows.Put(row("a")) })
	inside("e3", 1, func(rows state.Rows) { rows.Delete(row("a").Ref); rows.Delete(row("a").Ref) })
	inside("e4", 1, func(rows state.Rows) { rows.Put(row("c")); rows.Delete(row("c").Ref) })
	inside("e5", 0, func(rows state.Rows) { rows.Delete(row("b").Ref) })
}

func testStateDue(t *testing.T, s Store) {
	scope := ref("r", state.BlockWait, "").Scope
	row := func(key string, after time.Duration) state.Row {
		return state.Row{Ref: state.Ref{Scope: scope, Key: key}, Data: []byte(`{}`), Due: t0.Add(after)}
	}
	never := state.Row{Ref: state.Ref{Scope: scope, Key: "never"}, Data: []byte(`{}`)}
	put(t, s, "e1", row("c", time.Minute), row("a", time.Hour), row("b", 0), row("d", 2*time.Hour), never)
	q := intake.DueQuery{Now: t0.Add(time.Hour), Limit: 10, Scopes: []state.Scope{scope}}
	keys, next := dueKeys(t, s, q)
	if diff := cmp.Diff([]string{"b", "c", "a"}, keys); diff != "" || !next.Equal(t0.Add(2*time.Hour)) {
		t.Error(diff, next)
	}
	q.Limit = 2
	if keys, _ := dueKeys(t, s, q); !slices.Equal(keys, []string{"b", "c"}) {
		t.Errorf("the first two are %v", keys)
	}
	q.Skip = 2
	if keys, _ := dueKeys(t, s, q); !slices.Equal(keys, []string{"a"}) {
		t.Errorf("without the first two there are %v", keys)
	}
	q = intake.DueQuery{Now: t0.Add(3 * time.Hour), Limit: 10, Scopes: []state.Scope{scope}}
	if _, next := dueKeys(t, s, q); !next.IsZero() {
		t.Errorf("nothing is due later, and next is %s", next)
	}
}

func testStateDueScopes(t *testing.T, s Store) {
	a, b := ref("a", state.BlockWait, "u1"), ref("b", state.BlockWait, "u1")
	put(t, s, "e1", state.Row{Ref: a, Data: []byte(`{}`), Due: t0}, state.Row{Ref: b, Data: []byte(`{}`), Due: t0.Add(-time.Hour)})
	rows, next, err := s.DueRows(t.Context(), intake.DueQuery{Now: t0.Add(-2 * time.Hour), Limit: 9, Scopes: []state.Scope{a.Scope}})
	if err != nil || len(rows) != 0 || !next.Equal(t0) {
		t.Errorf("%v, next %s, %v", rows, next, err)
	}
	rows, _, err = s.DueRows(t.Context(), intake.DueQuery{Now: t0, Limit: 9, Scopes: []state.Scope{a.Scope}})
	if err != nil || len(rows) != 1 || rows[0].Ref != a {
		t.Errorf("%v, %v", rows, err)
	}
	if rows, next, err := s.DueRows(t.Context(), intake.DueQuery{Now: t0, Limit: 9}); err != nil || len(rows) > 0 || !next.IsZero() {
		t.Errorf("of no scope: %v, %s, %v", rows, next, err)
	}
}

func testStateSettle(t *testing.T, s Store) {
	wait, digest := ref("r", state.BlockWait, "before"), ref("r", state.BlockDigest, "digest")
	later := ref("r", state.BlockWait, "later")
	put(t, s, "e1", state.Row{Ref: wait, Data: []byte(`{}`), Due: t0}, state.Row{Ref: digest, Data: []byte(`{"p":[]}`), Due: t0},
		state.Row{Ref: later, Data: []byte(`{}`), Due: t0.Add(time.Second)})
	keys, _ := dueKeys(t, s, intake.DueQuery{
		Now: t0.Add(time.Minute), Limit: 9, Scopes: []state.Scope{wait.Scope, digest.Scope}, SettledUntil: t0,
	})
	if diff := cmp.Diff([]string{"digest", "later"}, keys); diff != "" {
		t.Error(diff)
	}
}

func testStateForget(t *testing.T, s Store) {
	mine, other := ref("r", state.BlockWait, "u1"), ref("r", state.BlockWait, "u2")
	put(t, s, "e1", state.Row{Ref: mine, User: "u1", Data: []byte(`{}`), Due: t0}, state.Row{Ref: other, User: "u2", Data: []byte(`{}`), Due: t0})
	if _, _, err := s.ForgetPerson(t.Context(), "u1"); err != nil {
		t.Fatal(err)
	}
	if _, ok := stateRow(t, s, mine); ok {
		t.Error("the row is there")
	}
	if _, ok := stateRow(t, s, other); !ok || stateKeys(t, s, other.Scope) != 1 {
		t.Error("the row of another is gone")
	}
}

func testStatePrune(t *testing.T, s Store) {
	scope := ref("r", state.BlockCount, "").Scope
	row := func(key string, due, expires time.Time) state.Row {
		return state.Row{Ref: state.Ref{Scope: scope, Key: key}, Data: []byte(`{}`), Due: due, Expires: expires}
	}
	put(t, s, "e1", row("over", time.Time{}, t0.Add(-time.Second)), row("not yet", time.Time{}, t0.Add(time.Second)),
		row("never", time.Time{}, time.Time{}), row("due", t0, t0.Add(-time.Second)))
	if _, err := s.Prune(t.Context(), t0, t0.Add(-time.Hour), t0.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"due", "never", "not yet"}, prefixed(t, s, scope, "")); diff != "" || stateKeys(t, s, scope) != 3 {
		t.Error(diff)
	}
}

func testStateNeeded(t *testing.T, s Store) {
	scope := state.Scope{Rule: "r", Block: state.BlockItem}
	for _, id := range []string{"a", "b"} {
		b := &intake.Batch{Event: accepted(id, id, id)}
		b.Resolve = func(seq int64, rows state.Rows) bool {
			if id == "a" {
				rows.Put(state.Row{Ref: state.Ref{Scope: scope, Key: id}, Data: fmt.Appendf(nil, `{"e":{"t":1,"s":%d}}`, seq)})
			}
			return true
		}
		if err := s.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	save(t, s, &people.Rows{}, newest(t, s))
	if _, err := s.Prune(t.Context(), t0.Add(9*time.Hour), t0.Add(8*time.Hour), t0); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"a": true, "b": false} {
		if _, kept, err := s.Event(t.Context(), id); kept != want || err != nil {
			t.Errorf("%s: kept is %v, %v", id, kept, err)
		}
	}
}

// What is due at the same time comes in an order of its own, whichever was put
// first: what quiet hours held before the summary of what was throttled.
func testStateDueTogether(t *testing.T, s Store) {
	refs := []state.Ref{
		ref("b", state.BlockHold, "1"), ref("a", state.BlockThrottle, "1"), ref("a", state.BlockHold, "2"), ref("a", state.BlockHold, "1"),
	}
	var scopes []state.Scope
	for i, at := range refs {
		put(t, s, fmt.Sprint("e", i), state.Row{Ref: at, Data: []byte(`{"e":{"t":1}}`), Due: t0})
		scopes = append(scopes, at.Scope)
	}
	rows, _, err := s.DueRows(t.Context(), intake.DueQuery{Now: t0, Limit: 9, Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	var got []state.Ref
	for _, row := range rows {
		got = append(got, row.Ref)
	}
	if diff := cmp.Diff([]state.Ref{refs[3], refs[2], refs[1], refs[0]}, got); diff != "" {
		t.Error(diff)
	}
}
