package people

import (
	"maps"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// packedRow draws a row with what events can tell, and with what is at the edges.
func packedRow(t *rapid.T) row {
	amounts := rapid.OneOf(
		rapid.Just(none), rapid.Map(rapid.Int64Range(0, 100), func(n int64) amount { return n * unit }),
		rapid.Int64Range(0, maxAmount*unit),
	)
	near := rapid.Int64Range(t0.UnixMicro()-2, t0.UnixMicro()+2)
	times := rapid.OneOf(rapid.Just(int64(0)), near, rapid.Int64Range(-1<<60, 1<<60))
	return row{
		item:     rapid.OneOf(rapid.Uint32Range(0, 5), rapid.Uint32()).Draw(t, "item"),
		progress: amounts.Draw(t, "progress"), seconds: amounts.Draw(t, "seconds"),
		best: amounts.Draw(t, "best"), last: amounts.Draw(t, "last"), scoredAt: times.Draw(t, "scored"),
		completedAt: times.Draw(t, "completed"), firstAt: times.Draw(t, "first"), lastAt: times.Draw(t, "last at"),
	}
}

// TestPacked_keepsRows puts, drops and saves rows, and compares with a map.
func TestPacked_keepsRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var p packed
		rows, unsaved := map[uint32]row{}, map[uint32]row{}
		ordered := func(rows map[uint32]row) []row {
			return slices.SortedFunc(maps.Values(rows), func(a, b row) int { return int(int64(a.item) - int64(b.item)) })
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				r := packedRow(t)
				p.put(r)
				rows[r.item], unsaved[r.item] = r, r
			},
			"drop": func(t *rapid.T) {
				item := packedRow(t).item
				p.drop(item)
				delete(rows, item)
				delete(unsaved, item)
			},
			"save": func(t *rapid.T) {
				if diff := gocmp.Diff(ordered(unsaved), slices.Collect(p.takeUnsaved()), gocmp.AllowUnexported(row{})); diff != "" {
					t.Fatal(diff)
				}
				clear(unsaved)
			},
			"not saved": func(t *rapid.T) {
				item := packedRow(t).item
				p.setUnsaved(item)
				if r, ok := rows[item]; ok {
					unsaved[item] = r
				}
			},
			"": func(t *rapid.T) {
				if diff := gocmp.Diff(ordered(rows), slices.Collect(p.all()), gocmp.AllowUnexported(row{})); diff != "" {
					t.Fatal(diff)
				}
				if p.len() != len(rows) {
					t.Fatalf("%d rows, want %d", p.len(), len(rows))
				}
				for item := range uint32(7) {
					want, known := rows[item]
					if got, found := p.find(item); got != want || found != known {
						t.Fatalf("item %d: %+v, %v, want %+v, %v", item, got, found, want, known)
					}
				}
			},
		})
	})
}
