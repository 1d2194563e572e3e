package people

import (
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// full is a directory with somebody of whom one row too many is known, and of which
// all was saved before the last.
func full() *Directory {
	d := New()
	for i := range MaxItems {
		d.learn(&fact{user: "u1", item: itemKey{Module, fmt.Sprintf("m%06d", i+1)}, row: newRow(0)})
	}
	d.allSaved()
	first := newRow(0)
	first.progress = unit
	d.learn(&fact{user: "u1", item: itemKey{Module, "m000000"}, row: first})
	return d
}

func takeAll(d *Directory) Rows {
	rows, _ := d.changedPeople(0)
	return rows
}

func TestChangedPeople_takesEachChangeOnce(t *testing.T) {
	d := full()
	last := ProgressKey{"u1", Module, fmt.Sprintf("m%06d", MaxItems)}
	check := func(what string, rows Rows) {
		t.Helper()
		if len(rows.Progress) != 1 || rows.Progress[0].Item != "m000000" || rows.Progress[0].Progress != unit {
			t.Errorf("%s, the rows are %+v", what, rows.Progress)
		}
		if len(rows.Gone) != 1 || rows.Gone[0] != last {
			t.Errorf("%s, gone are %+v", what, rows.Gone)
		}
	}
	rows := takeAll(d)
	check("at first", rows)
	if again := takeAll(d); again.Len() != 0 {
		t.Errorf("taken twice: %+v", again)
	}
	d.notSaved(&rows)
	check("when they could not be saved", takeAll(d))
}

// Who could not be forgotten is saved as if nothing had been.
func TestAttach_keepsWhatIsToBeSaved(t *testing.T) {
	d := full()
	p := d.detach("u1")
	d.attach(p)
	if rows := takeAll(d); len(rows.Progress) != 1 || len(rows.Gone) != 1 {
		t.Errorf("%+v", rows)
	}
}

// What was forgotten is not deleted once more: the person may be known again.
func TestForgotten_dropsWhatWasToBeSaved(t *testing.T) {
	d := full()
	d.detach("u1")
	d.forgotten("u1")
	if rows := takeAll(d); rows.Len() != 0 {
		t.Errorf("%+v", rows)
	}
	taken := full()
	rows := takeAll(taken)
	taken.detach("u1")
	taken.forgotten("u1")
	taken.notSaved(&rows)
	if rows := takeAll(taken); rows.Len() != 0 {
		t.Errorf("given back after the person was forgotten: %+v", rows)
	}
}

func TestCompact_changesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := someEvents(t)
		d := directory(events...)
		d.detach("u2")
		before := dumped(d)
		d.compact()
		if diff := gocmp.Diff(before, dumped(d)); diff != "" {
			t.Fatal(diff)
		}
		for _, e := range someEvents(t) {
			d.Learn(e.event, e.at)
		}
		if got := dumped(d); len(got.Ranking["wrong"]) > 0 {
			t.Fatal(got.Ranking["wrong"])
		}
	})
}
