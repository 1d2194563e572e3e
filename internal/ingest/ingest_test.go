package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/intake"
	"heed/engine/source"
)

// intakeFunc is an intake that a test gives.
type intakeFunc func(ctx context.Context, rows []intake.Row) ([]intake.Answer, error)

// AcceptRows implements Intake.
func (f intakeFunc) AcceptRows(ctx context.Context, _ *source.Source, rows []intake.Row) ([]intake.Answer, error) {
	return f(ctx, rows)
}

// allNew takes every row.
func allNew(_ context.Context, rows []intake.Row) ([]intake.Answer, error) {
	return make([]intake.Answer, len(rows)), nil
}

func report(t *testing.T) *source.Source {
	t.Helper()
	tree, problems := expression.ValueScope(expression.Named{Name: "row", Kind: event.Any}).Check("row.id")
	if tree == nil {
		t.Fatal(problems)
	}
	return &source.Source{
		Name: "report", Place: "rules.yaml:3",
		Mapping: &source.Mapping{Event: tree.Value(), ID: tree.Value(), Columns: []string{"id", "score"}},
	}
}

// numbered is a file of so many rows.
func numbered(rows int) string {
	var b strings.Builder
	b.WriteString("id,score\n")
	for i := range rows {
		fmt.Fprintf(&b, "r%d,%d\n", i, i)
	}
	return b.String()
}

// A store that fails ends the reading at once, and says how far it got. The bubble
// would not end if a goroutine were left.
func TestRead_stopsWhenTheIntakeFails(t *testing.T) {
	for failAt := 1; failAt <= 5; failAt++ {
		synctest.Test(t, func(t *testing.T) {
			full, calls := errors.New("the disk is full"), 0
			result, err := Read(t.Context(), intakeFunc(func(ctx context.Context,
				rows []intake.Row,
			) ([]intake.Answer, error) {
				if calls++; calls == failAt {
					return nil, full
				}
				return allNew(ctx, rows)
			}), report(t), "dir/a.csv", strings.NewReader(numbered(10*groupSize)))
			if !errors.Is(err, full) || !strings.Contains(err.Error(), "dir/a.csv") || calls != failAt {
				t.Errorf("%d calls, error %v", calls, err)
			}
			if want := (failAt - 1) * groupSize; result.New != want || result.Rows != want {
				t.Errorf("%+v, want %d rows", result, want)
			}
		})
	}
}

func TestRead_stopsWhenTheContextEnds(t *testing.T) {
	for name, in := range map[string]func(cancel func()) intakeFunc{
		"before the first row": func(cancel func()) intakeFunc {
			cancel()
			return allNew
		},
		"in an intake that notices": func(cancel func()) intakeFunc {
			return func(ctx context.Context, _ []intake.Row) ([]intake.Answer, error) {
				cancel()
				return nil, ctx.Err()
			}
		},
		"in an intake that does not": func(cancel func()) intakeFunc {
			return func(ctx context.Context, rows []intake.Row) ([]intake.Answer, error) {
				cancel()
				return allNew(ctx, rows)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				result, err := Read(ctx, in(cancel), report(t), "a.csv", strings.NewReader(numbered(50*groupSize)))
				if !errors.Is(err, context.Canceled) || result.Rows > 4*groupSize {
					t.Errorf("%d rows, error %v", result.Rows, err)
				}
			})
		})
	}
}

// What cannot be read further is an error; the rows before it are taken.
func TestRead_ofAFileThatBreaks(t *testing.T) {
	broken := errors.New("the disk is broken")
	for name, rows := range map[string]int{
		"in the header": -1, "in the first group": 3,
		"in a later group": 3*groupSize + 7,
	} {
		t.Run(name, func(t *testing.T) {
			text := "id,sc"
			if rows >= 0 {
				text = numbered(rows)
			}
			result, err := Read(t.Context(), intakeFunc(allNew), report(t), "a.csv",
				io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))
			if !errors.Is(err, broken) || !result.Broken || result.New != max(rows, 0) {
				t.Errorf("%+v, error %v", result, err)
			}
		})
	}
}

// Each row has its line, also behind one that cannot be used, and the problems are
// told in their order, but not without end.
func TestRead_saysWhereProblemsAre(t *testing.T) {
	var lines []int
	result, err := Read(t.Context(), intakeFunc(func(_ context.Context, rows []intake.Row) ([]intake.Answer, error) {
		answers := make([]intake.Answer, len(rows))
		for i, row := range rows {
			if lines = append(lines, row.Line); row.Line == 3 {
				answers[i] = intake.Answer{Quarantined: source.Unmapped, Detail: "a.csv:3: data.score: no number"}
			}
		}
		return answers, nil
	}), report(t), "dir/a.csv", strings.NewReader("id,score\nr1,1,2\nr2,x\n\n\"r\n3\",3\nr4,4,5\nr5,5\n"))
	if err != nil || fmt.Sprint(lines) != "[3 5 8]" || result.Rows != 5 || result.New != 2 || result.Unusable != 3 ||
		result.Broken {
		t.Errorf("lines %v, %+v, %v", lines, result, err)
	}
	var problems []string
	for _, p := range result.Problems {
		problems = append(problems, fmt.Sprintf("%d: %s", p.Line, p.Message))
	}
	want := "[2: the line has 3 cells, the header 2 3: data.score: no number 7: the line has 3 cells, the header 2]"
	if fmt.Sprint(problems) != want {
		t.Errorf("%v, want %s", problems, want)
	}
	result, err = Read(t.Context(), intakeFunc(allNew), report(t), "a.csv",
		strings.NewReader("id,score\n"+strings.Repeat("a,b,c\n", 1000)))
	if err != nil || result.Unusable != 1000 || len(result.Problems) != maxProblems {
		t.Errorf("%d unusable, %d problems, %v", result.Unusable, len(result.Problems), err)
	}
}

// Of a file with other columns than the source reads nothing is taken.
func TestRead_ofAnotherHeader(t *testing.T) {
	none := intakeFunc(func(context.Context, []intake.Row) ([]intake.Answer, error) {
		t.Error("a row was taken")
		return nil, nil
	})
	result, err := Read(t.Context(), none, report(t), "a.csv", strings.NewReader("id,scores\nr1,1\n"))
	if err != nil || !result.Broken || len(result.Problems) != 1 || result.Problems[0].Line != 1 ||
		!strings.Contains(result.Problems[0].Hint, `row["scores"] in rules.yaml:3`) {
		t.Errorf("%+v, %v", result, err)
	}
	result, err = Read(t.Context(), none, report(t), "a.csv", strings.NewReader("score,id\n"))
	if err != nil || result.Broken || result.Rows != 0 {
		t.Errorf("without rows: %+v, %v", result, err)
	}
}

// In JSON lines a line that is none is a row that cannot be used.
func TestRead_ofJSONLines(t *testing.T) {
	var values []any
	result, err := Read(t.Context(), intakeFunc(func(_ context.Context, rows []intake.Row) ([]intake.Answer, error) {
		for _, row := range rows {
			values = append(values, row.Value.(map[string]any)["id"])
		}
		return make([]intake.Answer, len(rows)), nil
	}), report(t), "a.jsonl", strings.NewReader("{\"id\":9007199254740993}\n{\"id\":\n\n{\"id\":1,\"id\":2}\n{\"id\":\"b\"}"))
	if err != nil || fmt.Sprint(values) != "[9007199254740993 b]" || result.Unusable != 2 ||
		len(result.Problems) != 2 ||
		result.Problems[0].Line != 2 || result.Problems[1].Line != 4 {
		t.Errorf("%v, %+v, %v", values, result, err)
	}
}

// What was unusable before is unusable still, not known.
func TestRead_countsWhatIsInQuarantine(t *testing.T) {
	result, err := Read(t.Context(), intakeFunc(func(context.Context, []intake.Row) ([]intake.Answer, error) {
		return []intake.Answer{{Duplicate: true}, {
			Duplicate: true, Quarantined: "unmapped",
			Detail: "a.csv:3: id: none",
		}, {Inert: true, Deliveries: 2}}, nil
	}), report(t), "a.csv", strings.NewReader(numbered(3)))
	if err != nil || result.Known != 1 || result.Unusable != 1 || result.New != 1 || result.Inert != 1 ||
		result.Alerts != 2 ||
		len(result.Problems) != 1 || result.Problems[0] != (Problem{Line: 3, Message: "id: none"}) {
		t.Errorf("%+v, %v", result, err)
	}
}
