package intake_test

import (
	"context"
	"errors"
	"testing"

	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/source"
)

// report is a source of rows whose score must be a number.
func report(t *testing.T) *source.Source {
	t.Helper()
	value := func(text string) *expression.Value {
		tree, problems := expression.ValueScope(expression.Named{Name: "row", Kind: event.Any}).Check(text)
		if tree == nil {
			t.Fatal(problems)
		}
		return tree.Value()
	}
	return &source.Source{Name: "report", IDs: "report", Mapping: &source.Mapping{
		Event: value(`"quiz.submitted"`), ID: value("row.id"),
		Fields: []source.Field{{Name: "score", Value: value("float(row.score)")}},
	}}
}

func rowsOf(cells ...string) (rows []intake.Row) {
	for i := 0; i < len(cells); i += 2 {
		row := source.Row{Columns: []string{"id", "score"}, Cells: cells[i : i+2]}
		rows = append(rows, intake.Row{File: "a.csv", Line: i/2 + 2, Value: row})
	}
	return rows
}

// Each answer belongs to its row, whether the row was looked up, decided or set aside.
func TestAcceptRows_answersAreInTheOrderOfTheRows(t *testing.T) {
	memory := intake.NewMemory()
	f := newFront(t, func(o *intake.Options) { o.Store = memory })
	take := func(cells ...string) (got []string) {
		t.Helper()
		answers, err := f.AcceptRows(t.Context(), report(t), rowsOf(cells...))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range answers {
			switch {
			case a.Duplicate && a.Quarantined == "":
				got = append(got, a.ID+" known")
			case a.Quarantined != "":
				got = append(got, a.ID+" "+a.Detail)
			default:
				got = append(got, a.ID+" new")
			}
		}
		return got
	}
	check := func(got []string, want ...string) {
		t.Helper()
		for i := range want {
			if len(got) != len(want) || got[i] != want[i] {
				t.Fatalf("%q, want %q", got, want)
			}
		}
	}
	check(take("r1", "1", "r2", "n/a", "r3", "3"), "r1 new", `r2 a.csv:3: data.score: "n/a" is not a number`, "r3 new")
	check(take("r3", "3", "r2", "n/a", "r4", "4", "r1", "1"),
		"r3 known", `r2 a.csv:3: data.score: "n/a" is not a number`, "r4 new", "r1 known")
	check(take("r2", "2", "r2", "2"), "r2 new", "r2 known")
	check(take("r2", "n/a"), "r2 known")
	if len(memory.Events) < 5 || memory.Events[0].Source != "report" || memory.Events[0].Status != record.Accepted {
		t.Errorf("%+v", memory.Events)
	}
}

// failing is a store that cannot be asked, or cannot store.
type failing struct {
	*intake.Memory
	known, commit error
}

func (f *failing) Known(ctx context.Context, ids string, wanted []string) ([]bool, error) {
	if f.known != nil {
		return nil, f.known
	}
	return f.Memory.Known(ctx, ids, wanted)
}

func (f *failing) Commit(ctx context.Context, batches ...*intake.Batch) error {
	if f.commit != nil {
		return f.commit
	}
	return f.Memory.Commit(ctx, batches...)
}

// Nothing is answered that was not stored, and nobody is told of it.
func TestAcceptRows_whenTheStoreFails(t *testing.T) {
	broken := errors.New("the disk is full")
	for name, store := range map[string]*failing{"asked": {known: broken}, "storing": {commit: broken}} {
		store.Memory = intake.NewMemory()
		f := newFront(t, func(o *intake.Options) { o.Store = store })
		answers, err := f.AcceptRows(t.Context(), report(t), rowsOf("r1", "1"))
		if !errors.Is(err, broken) || answers != nil || f.told != nil {
			t.Errorf("%s: %+v, %v, %q", name, answers, err, f.told)
		}
	}
}
