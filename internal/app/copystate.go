package app

import (
	"cmp"
	"context"
	"slices"

	"heed/engine"
	"heed/engine/intake"
	"heed/engine/people"
	"heed/engine/record"
	"heed/engine/ruletest"
	"heed/engine/state"
)

// StateReader reads what the rules of a store remember.
type StateReader interface {
	// StateRows returns the rows of a scope, Mutes those that were ever made.
	StateRows(ctx context.Context, scope state.Scope) ([]state.Row, error)
	Mutes(context.Context) ([]state.Mute, error)
	// LastSeq returns the number of the newest event.
	LastSeq(context.Context) (int64, error)
	EventsBySeq(ctx context.Context, seqs []int64) ([]record.Event, error)
}

// CopyPeople copies what a store knows of people, for a timeline.
func CopyPeople(ctx context.Context, from people.Loader) (ruletest.People, error) {
	known, err := people.Load(ctx, from)
	return foldedPeople{known}, err
}

// CopiedState is a copy of what the rules of a store remember, which a timeline can
// begin with. The store is only read, also for the events that the state refers to.
type CopiedState struct {
	*intake.Memory
	from StateReader
}

// CopyState copies what rules remember, by their names or the names that they had.
// State that means nothing to them is left out, as if it had been discarded. A server
// may write meanwhile, so what one rule remembers can be newer than what another does.
func CopyState(ctx context.Context, from StateReader, rules *engine.RuleSet) (*CopiedState, error) {
	c := &CopiedState{Memory: intake.NewMemory(), from: from}
	renamed := map[string]string{} // the new names by the old ones
	for _, rule := range rules.Rules() {
		if rule.Was != "" && rules.Rule(rule.Was) == nil { // or the old name is a rule's own
			renamed[rule.Was] = rule.Name
		}
	}
	for _, rule := range rules.Rules() {
		if rule.Time == nil {
			continue
		}
		for _, scope := range rule.Time.Scopes() {
			rows, err := from.StateRows(ctx, scope)
			if err == nil && len(rows) == 0 && renamed[rule.Was] == rule.Name {
				former := scope
				former.Rule = rule.Was
				rows, err = from.StateRows(ctx, former)
			}
			if err != nil {
				return nil, err
			}
			for _, row := range rows {
				row.Scope = scope
				c.State.Put(row)
			}
		}
	}
	mutes, err := from.Mutes(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range mutes {
		m.Rule = cmp.Or(renamed[m.Rule], m.Rule)
		c.State.AddMute(m)
	}
	// Read last: no row that was copied is of a later event.
	c.Before, err = from.LastSeq(ctx)
	return c, err
}

// EventsBySeq implements intake.Store.
func (c *CopiedState) EventsBySeq(ctx context.Context, seqs []int64) ([]record.Event, error) {
	var stored, added []int64
	for _, seq := range seqs {
		if seq <= c.Before {
			stored = append(stored, seq)
		} else {
			added = append(added, seq)
		}
	}
	events, err := c.Memory.EventsBySeq(ctx, added)
	if err != nil || len(stored) == 0 {
		return events, err
	}
	older, err := c.from.EventsBySeq(ctx, stored)
	return slices.Concat(older, events), err
}
