package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"heed/actions/delivery"
)

// The lanes table holds the lanes of destinations that are not in order or not
// open, by the name of the destination. open_at and wait are told apart from the
// rest, since they decide what is claimed and are shown with what waits.

// laneRow is a lane as it was read and as it is now.
type laneRow struct {
	delivery.Lane
	was    delivery.Lane
	stored bool
}

// lane finds what is known of a destination. It is saved at the end of the
// exchange.
func (x *exchange) lane(name string) (*delivery.Lane, error) {
	if row, ok := x.lanes[name]; ok {
		return &row.Lane, nil
	}
	row := &laneRow{}
	err := x.g.conn.Query(func(cols []value) error {
		row.stored = true
		state, _ := cols[0].([]byte)
		return json.Unmarshal(state, &row.Lane)
	}, "SELECT state FROM lanes WHERE name = ?", name)
	if err != nil {
		return nil, fmt.Errorf("read the lane of %s: %w", name, err)
	}
	row.was = row.Lane
	x.lanes[name] = row
	return &row.Lane, nil
}

// nextOpen notes when the next closed lane opens: a delivery may wait for it that
// was not claimed.
func (x *exchange) nextOpen() error {
	return x.g.conn.Query(func(cols []value) error {
		if open, ok := cols[0].(int64); ok {
			x.askAgain(timeOf(open))
		}
		return nil
	}, "SELECT min(open_at) FROM lanes WHERE open_at > ?", micros(x.now))
}

// saveLanes keeps the lanes that have changed since they were saved. It does so
// in a stable order, so that processes which share a store do not block each
// other.
func (x *exchange) saveLanes() error {
	for _, name := range slices.Sorted(maps.Keys(x.lanes)) {
		row := x.lanes[name]
		if wait, ok := row.Change(&row.was); ok {
			change := delivery.LaneChange{Destination: name, Wait: wait}
			if wait != "" {
				change.Until, _ = row.NextStart()
			}
			x.claimed.Changes = append(x.claimed.Changes, change)
		}
		rest := row.IsRest(x.now)
		if rest && !row.stored || !rest && row.Lane == row.was {
			continue
		}
		if err := saveLane(x.g, name, &row.Lane, x.now); err != nil {
			return err
		}
		row.was, row.stored = row.Lane, !rest
	}
	return nil
}

func saveLane(g *groupTx, name string, lane *delivery.Lane, now time.Time) error {
	if lane.IsRest(now) {
		return g.conn.Send("DELETE FROM lanes WHERE name = ?", name)
	}
	state, err := json.Marshal(lane)
	if err != nil {
		return fmt.Errorf("encode the lane of %s: %w", name, err)
	}
	start, wait := lane.NextStart()
	return insertLanes.insert(g.conn, [][]value{{name, micros(start), wait, state}})
}

var insertLanes = replaceInto("lanes", "name", "open_at, wait, state")

// pruneLanes forgets the lanes that are open since before a time. Most were left
// by a rate, of a person or channel that nothing was sent to since.
func (db *DB) pruneLanes(ctx context.Context, before int64) error {
	return db.writer.do(ctx, func(g *groupTx) error {
		_, err := g.conn.Exec("DELETE FROM lanes WHERE open_at < ?", before)
		return err
	})
}

// abandonProbes lets every lane be probed again whose probe a former process had
// in flight.
func abandonProbes(g *groupTx, now time.Time) error {
	lanes := map[string]*delivery.Lane{}
	err := g.conn.Query(func(cols []value) error {
		name, _ := cols[0].(string)
		state, _ := cols[1].([]byte)
		lanes[name] = &delivery.Lane{}
		return json.Unmarshal(state, lanes[name])
	}, "SELECT name, state FROM lanes")
	if err != nil {
		return fmt.Errorf("read the lanes: %w", err)
	}
	for name, lane := range lanes {
		lane.Abandoned(now)
		if err := saveLane(g, name, lane, now); err != nil {
			return err
		}
	}
	return nil
}

// Reconsider makes the deliveries of an action that failed before due now, and
// forgets what was known of its destination: the action has changed, and what it
// failed by may be fixed.
func (db *DB) Reconsider(ctx context.Context, action string, now time.Time) (n int, err error) {
	defer wrap(&err, "reconsider the deliveries of %s", action)
	o := &op{}
	o.apply = func(g *groupTx) error {
		if _, err := g.conn.Exec("DELETE FROM lanes WHERE name = ? OR name IN"+
			" (SELECT destination FROM deliveries WHERE action = ? AND due_at IS NOT NULL)",
			action, action); err != nil {
			return err
		}
		changed, err := g.conn.Exec(`
			UPDATE deliveries SET due_at = ? WHERE action = ? AND state = 'retrying' AND due_at > ?
			AND NOT EXISTS (SELECT 1 FROM attempts WHERE delivery = deliveries.n AND ended_at IS NULL)`,
			micros(now), action, micros(now))
		n, o.wakes = int(changed), true
		return err
	}
	if err := db.writer.submit(ctx, o); err != nil {
		return 0, err
	}
	return n, nil
}

// Failing returns the actions and destinations whose circuit is open, and since when.
func (db *DB) Failing(ctx context.Context) (since map[string]time.Time, err error) {
	defer wrap(&err, "find failing destinations")
	opened := db.words.opened
	rows, err := db.readDB.QueryContext(ctx, "SELECT name, "+opened+" FROM lanes WHERE "+opened+" IS NOT NULL")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	since = map[string]time.Time{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, err
		}
		if since[name], err = time.Parse(time.RFC3339Nano, text); err != nil {
			return nil, err
		}
	}
	return since, rows.Err()
}
