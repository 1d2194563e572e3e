package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"heed/engine/record"
)

// handmade is evidence of a small world in which all is well: two events, of
// which e1 leads to two deliveries, of which one is to end dead.
func handmade(t *testing.T) *evidence {
	t.Helper()
	e := &evidence{
		account: account{},
		events:  []record.Event{{ID: "e1", Status: record.Accepted}, {ID: "e2", Status: record.Accepted}},
		deliveries: []record.Delivery{
			{ID: "d1", EventID: "e1", Rule: "r", Action: "good", State: record.Done},
			{ID: "d2", EventID: "e1", Rule: "r", Action: "gone", State: record.Dead},
		},
		plan: plan{
			expect: func(id string) [][]string {
				if id == "e1" {
					return [][]string{{"r>gone", "r>good"}, {"other>good"}}
				}
				return [][]string{{}}
			},
			deadly: map[string]bool{"r>gone": true}, concurrency: 2,
		},
	}
	e.account = ledgerOf(t, "sent e1", "sent e2", "acked e1", "acked e2", "got d1", "crashed ")
	return e
}

func ledgerOf(t *testing.T, lines ...string) account {
	t.Helper()
	a, err := readLedger(strings.NewReader(strings.Join(lines, "\n") + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func kinds(findings []finding) (all []string) {
	for _, f := range findings {
		all = append(all, f.kind)
	}
	return all
}

func TestTheCheckerIsContentWhenAllIsWell(t *testing.T) {
	n, findings := handmade(t).check()
	if len(findings) > 0 {
		t.Errorf("found %v", findings)
	}
	if want := (tally{sent: 2, acked: 2, stored: 2, done: 1, dead: 1, mayRepeat: 2}); n != want {
		t.Errorf("counted %+v, want %+v", n, want)
	}
}

func TestTheCheckerNotices(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*testing.T, *evidence)
		want  []string
	}{
		"an acknowledged event that is gone": {func(_ *testing.T, e *evidence) {
			e.events = e.events[:1]
		}, []string{lost}},
		"an event that nobody sent": {func(_ *testing.T, e *evidence) {
			e.events = append(e.events, record.Event{ID: "e3", Status: record.Accepted})
		}, []string{unsent}},
		"an event that is stored twice": {func(_ *testing.T, e *evidence) {
			e.events = append(e.events, e.events[1])
		}, []string{twice}},
		"an event that was quarantined": {func(_ *testing.T, e *evidence) {
			e.events[1].Status = record.Quarantined
		}, []string{refused}},
		"a delivery that is missing": {func(_ *testing.T, e *evidence) {
			e.deliveries = e.deliveries[:1]
		}, []string{undecided}},
		"a delivery that is there twice": {func(_ *testing.T, e *evidence) {
			again := e.deliveries[1]
			again.ID = "d3"
			e.deliveries = append(e.deliveries, again)
		}, []string{undecided}},
		"a delivery for nothing": {func(_ *testing.T, e *evidence) {
			e.deliveries = append(e.deliveries, record.Delivery{ID: "d3", EventID: "e2", Rule: "r", Action: "gone", State: record.Dead})
		}, []string{undecided}},
		"two halves of rule sets": {func(_ *testing.T, e *evidence) {
			e.deliveries[0].Rule = "other"
		}, []string{undecided}},
		"a delivery that never ends": {func(_ *testing.T, e *evidence) {
			e.deliveries[1].State = record.Retrying
		}, []string{unfinished}},
		"a delivery that was given up": {func(_ *testing.T, e *evidence) {
			e.deliveries[0].State = record.Dead
		}, []string{wronglyEnd}},
		"a delivery that is done and never arrived": {func(t *testing.T, e *evidence) {
			e.account = ledgerOf(t, "sent e1", "sent e2", "acked e1", "acked e2")
		}, []string{untaken}},
		"a delivery that arrived and is not stored": {func(_ *testing.T, e *evidence) {
			e.got["d9"] = 1
		}, []string{unknown}},
		"a repeat without a crash": {func(_ *testing.T, e *evidence) {
			e.got["d1"], e.crashes = 2, 0
		}, []string{repeats}},
		"more repeats than a crash explains": {func(_ *testing.T, e *evidence) {
			e.got["d1"] = 4
		}, []string{repeats}},
	} {
		t.Run(name, func(t *testing.T) {
			e := handmade(t)
			c.spoil(t, e)
			n, findings := e.check()
			if got := kinds(findings); !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", findings, c.want)
			}
			if wasLost := slices.Contains(c.want, lost); (n.lost > 0) != wasLost {
				t.Errorf("counted %d lost", n.lost)
			}
		})
	}
}

func TestACrashExplainsSomeRepeats(t *testing.T) {
	e := handmade(t)
	e.got["d1"] = 3
	if n, findings := e.check(); len(findings) > 0 || n.repeats != 2 {
		t.Errorf("found %v, counted %d repeats", findings, n.repeats)
	}
}

func TestTheLedgerIsReadAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	l, err := openLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	l.note(wordSent, "e1")
	l.note(wordSent, "e1")
	l.note(wordAcked, "e1")
	l.note(wordGot, "d1")
	l.note(wordGot, "d1")
	l.note(wordCrashed, "")
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	a, err := (&bench{dir: filepath.Dir(path)}).readLedger()
	if err != nil {
		t.Fatal(err)
	}
	if len(a.sent) != 1 || !a.acked["e1"] || a.got["d1"] != 2 || a.crashes != 1 {
		t.Errorf("read %+v", a)
	}
	if _, err := readLedger(strings.NewReader("sentt e1\n")); err == nil {
		t.Error("a line that makes no sense was read")
	}
}

// TestTheEventsAreOfAllKinds keeps the plans from expecting nothing.
func TestTheEventsAreOfAllKinds(t *testing.T) {
	steps, sizes := map[string]int{}, map[int]int{}
	const all = 50_000
	for n := range all {
		id := fmt.Sprintf("run-%d", n)
		e := eventOf(id)
		sizes[e.size]++
		if e.size > 0 && len(e.body()) != e.size {
			t.Fatalf("a body has %d bytes instead of %d", len(e.body()), e.size)
		}
		for _, s := range usual.expect(id)[0] {
			steps[s]++
		}
	}
	for _, s := range []string{"low>good", "top>good", "top>moody", "finished>slow", "lapsed>gone", "bad>picky", "fair>picky", "many>limited", "letter>mail"} {
		if steps[s] < all/1000 {
			t.Errorf("%d of %d events lead to %s", steps[s], all, s)
		}
	}
	if sizes[1<<20] == 0 || sizes[100<<10] == 0 || sizes[0] < all*9/10 {
		t.Errorf("the sizes are %v", sizes)
	}
}

// TestABrokenBuildMustLose keeps the self-check from being content with less.
func TestABrokenBuildMustLose(t *testing.T) {
	tt := &torture{}
	if r, err := tt.mustLose(result{tally: tally{lost: 3}, findings: []finding{{lost, "e1"}}}, nil); err != nil || len(r.findings) > 0 {
		t.Errorf("a loss that was noticed: %v, %v", r.findings, err)
	}
	if r, err := tt.mustLose(result{findings: []finding{{repeats, "9"}}}, nil); err != nil || !slices.Equal(kinds(r.findings), []string{unnoticed}) {
		t.Errorf("no loss: %v, %v", r.findings, err)
	}
	if _, err := tt.mustLose(result{tally: tally{lost: 3}}, errEnded); err == nil {
		t.Error("a run that failed was taken for a loss")
	}
}

// A row holds the event that its id tells, which is what the checker expects.
func TestFeeder_rowsHoldTheirEvents(t *testing.T) {
	f := &feeder{bench: &bench{generator: &generator{prefix: "run-1-"}}}
	lines := strings.Split(strings.TrimSpace(string(f.rows(3))), "\n")
	if len(lines) != rowsOfFile {
		t.Fatalf("%d rows", len(lines))
	}
	for row, line := range lines {
		id := f.rowID(3, row)
		body, ok := strings.CutPrefix(line, fmt.Sprintf(`{"id":%q,`, id))
		if !ok || !isRow(id) || !sameJSON([]byte("{"+body), eventOf(id).body()) {
			t.Fatalf("row %d is %s", row, line)
		}
	}
}
