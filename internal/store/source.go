package store

import (
	"context"
	"fmt"
	"time"

	"heed/engine/record"
)

// LastGood is the last event that shows that its source works: the zero value
// if there was none. Over a crash it may go back by lastGoodStep.
func (db *DB) LastGood() record.LastGood { return *db.writer.lastGood.Load() }

// lastGoodStep is how far LastGood may be ahead of what is stored, so that a
// busy writer need not write it with each group.
const lastGoodStep = time.Second

// saveLastGood writes the group's last good event down, if it is time.
func (g *groupTx) saveLastGood() error {
	ahead := g.lastGood.At.Sub(g.savedGood)
	if g.lastGood.Seq == 0 || ahead < lastGoodStep && ahead > -lastGoodStep {
		return nil
	}
	for name, value := range map[string]int64{"last_good_at": micros(g.lastGood.At), "last_good_seq": g.lastGood.Seq} {
		if err := g.conn.Send("UPDATE marks SET value = ? WHERE name = ?", value, name); err != nil {
			return err
		}
	}
	g.savedGood = g.lastGood.At
	return nil
}

// loadLastGood reads what the process before has left.
func (db *DB) loadLastGood(ctx context.Context) (last record.LastGood, err error) {
	at, err := mark(ctx, db.readDB, "last_good_at")
	if err != nil {
		return last, err
	}
	last.At = timeOf(at)
	last.Seq, err = mark(ctx, db.readDB, "last_good_seq")
	return last, err
}

// WatchedSince is since when somebody has listened for events: from the first
// call on, over all restarts.
func (db *DB) WatchedSince(ctx context.Context, now time.Time) (since time.Time, err error) {
	defer wrap(&err, "read since when events are awaited")
	was, err := mark(ctx, db.readDB, "watched_since")
	if err != nil || was != 0 {
		return timeOf(was), err
	}
	return now, db.writer.do(ctx, func(g *groupTx) error {
		_, err := g.conn.Exec("UPDATE marks SET value = ? WHERE name = 'watched_since'", micros(now))
		return err
	})
}

// reuse is one use of a signature under an id that is not its first.
type reuse struct{ event, original, at int64 }

// reuseOf returns the event that counts the uses of the signature under other
// ids; 0 if there is none, or no more.
func (g *groupTx) reuseOf(c *commit) (seq int64, err error) {
	k := keyOf(kindReuse, c.signature)
	first, ok := g.find(k)
	if !ok {
		if err := g.lookUp([]key{k}); err != nil {
			return 0, err
		}
		if first, ok = g.known[k]; !ok {
			return 0, nil
		}
	}
	if first.seq >= g.firstSeq {
		return first.seq, nil // of this group
	}
	err = g.conn.Query(func(cols []value) error {
		seq = cols[0].(int64)
		return nil
	}, "SELECT seq FROM events WHERE seq = ?", first.seq)
	return seq, err
}

func (g *groupTx) count(reuses []reuse) error {
	for _, r := range reuses {
		_, err := g.conn.Exec(`
			INSERT INTO reuses (event, original, n, last_at) VALUES (?, ?, 1, ?)
			ON CONFLICT (event) DO UPDATE SET n = reuses.n + 1, last_at = excluded.last_at`, r.event, r.original, r.at)
		if err != nil {
			return fmt.Errorf("count a reused signature: %w", err)
		}
	}
	return nil
}
