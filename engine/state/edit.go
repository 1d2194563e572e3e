package state

import "heed/engine/record"

// Edited applies changed settings to a row. It recomputes the due time, and skips steps
// of a wait that would now be past, since an edit never fires. restored reports that the
// rule had been removed for a time; whatever came due meanwhile is skipped too.
func (s *Settings) Edited(rows Rows, ref Ref, restored bool, c Clock) (effects []record.Effect) {
	if ref.Scope.Block != BlockWait {
		return nil
	}
	data, row, known := load[wait](rows, ref)
	p := data.Pending
	if !known || p == nil {
		return nil
	}
	// A row that was already due, or is held by quiet hours, was not made due by the
	// edit.
	overdue := !restored && (!row.Due.IsZero() && !row.Due.After(c.Now) || p.Held != 0)
	for !overdue && p.Done < s.limit(p) && !s.due(p, p.Done).After(c.Now) {
		p.Done++
		effects = append(effects, record.Effect{
			Effect: record.Skipped, Reason: record.Edited, Key: ref.Key, By: p.Start.ID, Step: s.stepNumber(p.Done - 1),
		})
	}
	if p.Done >= s.limit(p) {
		data.end()
	}
	s.saveWait(rows, row, &data, c)
	return effects
}

// References returns the numbers of the events that a row still needs: their data is
// rendered when it fires.
func References(row Row) (seqs []int64) {
	add := func(marks ...Mark) {
		for _, m := range marks {
			seqs = append(seqs, m.Seq)
		}
	}
	switch row.Scope.Block {
	case BlockCount:
		data := decode[count](row)
		for _, m := range data.Members {
			add(m.Mark)
		}
		for _, f := range data.Firings {
			add(f.Members...)
		}
	case BlockWait:
		if p := decode[wait](row).Pending; p != nil {
			add(p.Start)
		}
	case BlockItem:
		add(decode[itemRow](row).Event)
	case BlockHold:
		add(decode[heldAlert](row).Event)
	case BlockThrottle:
		if r := decode[throttle](row).Rest; r != nil {
			add(r.Items...)
		}
	}
	return seqs
}
