package store

import (
	"context"
	"fmt"
)

// acceptedSeqs returns the numbers of the accepted events with the id: at most one
// of the published contract, which comes first, and of each source with ids of its
// own. Some may be deleted by now.
func (db *DB) acceptedSeqs(ctx context.Context, id string) (seqs []int64, err error) {
	spaces, err := readColumn[string](ctx, db, "SELECT name FROM id_spaces ORDER BY name")
	if err != nil {
		return nil, err
	}
	for _, ids := range append([]string{""}, spaces...) {
		k := keyOf(kindID, idDigest(ids, id))
		if c, ok := db.writer.keys.find(k); ok {
			seqs = append(seqs, c.seq)
			continue
		}
		if err := db.lookUpKeys(ctx, []key{k}, func(_ key, c claim) { seqs = append(seqs, c.seq) }); err != nil {
			return nil, err
		}
	}
	return seqs, nil
}

// Known implements intake.Store.
func (db *DB) Known(ctx context.Context, ids string, wanted []string) (known []bool, err error) {
	defer wrap(&err, "look up %d ids", len(wanted))
	known = make([]bool, len(wanted))
	places := make(map[key][]int, len(wanted)) // the same id may be asked for twice
	var keys []key
	for i, id := range wanted {
		k := keyOf(kindID, idDigest(ids, id))
		if _, known[i] = db.writer.keys.find(k); known[i] {
			continue
		}
		if places[k] == nil {
			keys = append(keys, k)
		}
		places[k] = append(places[k], i)
	}
	return known, db.lookUpKeys(ctx, keys, func(k key, _ claim) {
		for _, i := range places[k] {
			known[i] = true
		}
	})
}

// saveSpaces writes down which ids there are, so that events are found by them.
func (g *groupTx) saveSpaces(commits []*commit) error {
	for _, c := range commits {
		ids := c.batch.Event.IDs
		if ids == "" || g.writer.spaces[ids] {
			continue
		}
		if _, err := g.conn.Exec("INSERT INTO id_spaces (name) VALUES (?) ON CONFLICT DO NOTHING", ids); err != nil {
			return fmt.Errorf("note whose ids %q are: %w", ids, err)
		}
		g.spaces = append(g.spaces, ids)
	}
	return nil
}
