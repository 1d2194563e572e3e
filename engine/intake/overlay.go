package intake

import (
	"context"
	"fmt"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/record"
	"heed/engine/state"
)

// overlay are the rows of a store as somebody would change them: it reads the
// store's, and keeps what is changed to itself.
type overlay struct {
	ctx     context.Context
	store   Store
	changed map[state.Ref]*state.Row // nil for one that was deleted
	deleted []deletedPrefix
	err     error
}

type deletedPrefix struct {
	scope  state.Scope
	prefix string
}

func newOverlay(ctx context.Context, store Store) *overlay {
	return &overlay{ctx: ctx, store: store, changed: map[state.Ref]*state.Row{}}
}

// Get implements state.Rows.
func (o *overlay) Get(ref state.Ref) (state.Row, bool) {
	if row, known := o.changed[ref]; known {
		if row == nil {
			return state.Row{}, false
		}
		return *row, true
	}
	for _, d := range o.deleted {
		if ref.Scope == d.scope && strings.HasPrefix(ref.Key, d.prefix) {
			return state.Row{}, false
		}
	}
	row, ok, err := o.store.StateRow(o.ctx, ref)
	o.fail(err)
	return row, ok
}

// Put implements state.Rows.
func (o *overlay) Put(row state.Row) { o.changed[row.Ref] = &row }

// Delete implements state.Rows.
func (o *overlay) Delete(ref state.Ref) { o.changed[ref] = nil }

// DeletePrefix implements state.Rows.
func (o *overlay) DeletePrefix(scope state.Scope, prefix string) {
	o.deleted = append(o.deleted, deletedPrefix{scope, prefix})
	for ref := range o.changed {
		if ref.Scope == scope && strings.HasPrefix(ref.Key, prefix) {
			delete(o.changed, ref)
		}
	}
}

// Keys implements state.Rows. What the overlay added does not count.
func (o *overlay) Keys(scope state.Scope) int {
	keys, err := o.store.ScopeKeys(o.ctx, scope)
	o.fail(err)
	return keys
}

// Mute implements state.Rows.
func (o *overlay) Mute(rule, key string, now time.Time) (state.Mute, bool) {
	return o.store.Muted(rule, key, now)
}

func (o *overlay) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

// preview says what each decision would do to the state that there is.
func (in *Intake) preview(
	ctx context.Context, decisions []engine.Decision, seq int64, now time.Time,
) (effects [][]record.Effect, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the state of rules cannot be read: %v", cause)
		}
	}()
	rows, clock := newOverlay(ctx, in.Store), state.Clock{Now: now, MaxAge: in.MaxAge}
	effects = make([][]record.Effect, len(decisions))
	for i := range decisions {
		for _, input := range decisions[i].Inputs {
			input.Event.Seq = seq
			effects[i] = append(effects[i], decisions[i].Rule.Time.Fold(rows, input, clock).Effects...)
		}
	}
	return effects, rows.err
}
