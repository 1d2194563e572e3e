package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"heed/actions/delivery"
	"heed/engine/record"
)

// waits says whether a delivery in the state is to be sent. These and no others
// have a due_at.
func waits(s record.State) bool { return s == record.Pending || s == record.Retrying }

// firstDelivery is the n of an event's first delivery.
func firstDelivery(seq int64) int64 { return seq * maxDeliveries }

// dueActions jumps from action to action through the index of waiting
// deliveries, so its cost is by actions and not by deliveries.
const dueActions = `
	WITH RECURSIVE waiting (action) AS (
		SELECT * FROM (SELECT action FROM deliveries WHERE due_at IS NOT NULL ORDER BY action LIMIT 1)
		UNION ALL
		SELECT (SELECT action FROM deliveries WHERE due_at IS NOT NULL AND action > waiting.action ORDER BY action LIMIT 1)
		FROM waiting WHERE waiting.action IS NOT NULL
	)
	SELECT action,
		(SELECT min(due_at) FROM deliveries WHERE action = waiting.action AND due_at IS NOT NULL) <= :now,
		(SELECT min(due_at) FROM deliveries WHERE action = waiting.action AND due_at > :now)
	FROM waiting WHERE action IS NOT NULL`

// DueActions implements delivery.Queue.
func (db *DB) DueActions(ctx context.Context, now time.Time) (actions []string, next time.Time, err error) {
	defer wrap(&err, "find due deliveries")
	rows, err := db.due.QueryContext(ctx, sql.Named("now", micros(now)))
	if err != nil {
		return nil, time.Time{}, err
	}
	defer rows.Close()
	for rows.Next() {
		var action string
		var due bool
		var later *int64
		if err := rows.Scan(&action, &due, &later); err != nil {
			return nil, time.Time{}, err
		}
		if due {
			actions = append(actions, action)
		}
		if later != nil && (next.IsZero() || timeOf(*later).Before(next)) {
			next = timeOf(*later)
		}
	}
	return actions, next, rows.Err()
}

// PendingByAction counts the deliveries that wait to be sent. Actions without
// any are not named.
func (db *DB) PendingByAction(ctx context.Context) (pending map[string]int, err error) {
	defer wrap(&err, "count waiting deliveries")
	rows, err := db.readDB.QueryContext(ctx,
		"SELECT action, count(*) FROM deliveries WHERE due_at IS NOT NULL GROUP BY action")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	pending = map[string]int{}
	for rows.Next() {
		var action string
		var n int
		if err := rows.Scan(&action, &n); err != nil {
			return nil, err
		}
		pending[action] = n
	}
	return pending, rows.Err()
}

// claimable chooses what Claim takes; its values are the action, now and n.
const claimable = " WHERE action = ? AND due_at <= ? ORDER BY due_at, n LIMIT ?"

// Claim implements delivery.Queue. A delivery whose lease ran out is claimed
// again, and its attempt before that ends as interrupted.
func (db *DB) Claim(ctx context.Context, action string, n int, now time.Time, lease time.Duration) (claimed []record.Delivery, err error) {
	defer wrap(&err, "claim deliveries of %s", action)
	if n <= 0 {
		return nil, nil
	}
	at, until := micros(now), micros(now.Add(lease))
	err = db.writer.do(ctx, func(g *groupTx) error {
		claimed = nil
		retries := false
		err := g.conn.query(func(cols []value) error {
			d := scanClaimed(cols, until)
			retries = retries || d.Attempts > 1
			claimed = append(claimed, d)
			return nil
		}, `
			SELECT d.n, d.id, e.id, d.rule, d.action, d.kind, d.state, d.created_at, d.attempts, d.last_error, d.request, d.spent, d.generation,
				EXISTS (SELECT 1 FROM attempts a WHERE a.delivery = d.n AND a.n = d.attempts AND a.ended_at IS NULL)
			FROM (SELECT * FROM deliveries`+claimable+`) d JOIN events e ON e.seq = d.n / 65536
			ORDER BY d.due_at, d.n`, action, at, int64(n))
		if err != nil || len(claimed) == 0 {
			return err
		}
		if retries {
			if _, err := g.conn.exec(endOpenAttempts+" AND delivery IN (SELECT n FROM deliveries"+claimable+")",
				at, action, at, int64(n)); err != nil {
				return err
			}
		}
		if _, err := g.conn.exec(`
			INSERT INTO attempts (delivery, n, started_at)
			SELECT n, attempts + 1, ? FROM deliveries`+claimable, at, action, at, int64(n)); err != nil {
			return err
		}
		_, err = g.conn.exec(`
			UPDATE deliveries SET attempts = attempts + 1, due_at = ?
			WHERE n IN (SELECT n FROM deliveries`+claimable+")", until, action, at, int64(n))
		return err
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// scanClaimed reads a delivery as it is once it is claimed.
func scanClaimed(cols []value, until int64) record.Delivery {
	d := record.Delivery{
		EventSeq:  cols[0].(int64) / maxDeliveries,
		ID:        cols[1].(string),
		EventID:   cols[2].(string),
		Rule:      cols[3].(string),
		Action:    cols[4].(string),
		Kind:      cols[5].(string),
		State:     record.State(cols[6].(string)),
		CreatedAt: timeOf(cols[7].(int64)),
		DueAt:     timeOf(until),
		Attempts:  int(cols[8].(int64)) + 1,
		LastError: cols[9].(string),

		Spent:      int(cols[11].(int64)),
		Generation: int(cols[12].(int64)),

		Interrupted: cols[13].(int64) != 0,
	}
	if request, ok := cols[10].([]byte); ok {
		d.Request = json.RawMessage(request)
	}
	return d
}

// outcomes are how an attempt ended, by what became of its delivery.
var outcomes = map[record.State]string{record.Done: "done", record.Retrying: "retry", record.Dead: "dead"}

const endOpenAttempts = "UPDATE attempts SET ended_at = ?, outcome = 'interrupted' WHERE ended_at IS NULL"

// Finish implements delivery.Queue. The delivery's LastError becomes the end's
// Error.
func (db *DB) Finish(ctx context.Context, id string, end delivery.End) (err error) {
	defer wrap(&err, "finish delivery %q", id)
	outcome, ok := outcomes[end.State]
	if !ok {
		return fmt.Errorf("an attempt cannot end in the state %q", end.State)
	}
	o := &op{}
	o.apply = func(g *groupTx) error {
		o.wakes = false
		var n, attempts int64
		waiting := false
		err := g.conn.query(func(cols []value) error {
			n, attempts, waiting = cols[0].(int64), cols[1].(int64), cols[2] != nil
			return nil
		}, "SELECT n, attempts, due_at FROM deliveries WHERE id = ?", id)
		if err != nil {
			return err
		}
		if n == 0 {
			return nil // deleted meanwhile: there is nothing left to finish
		}
		if _, err := g.conn.exec(`
			UPDATE attempts SET ended_at = ?, outcome = ?, error = ?, response = ?
			WHERE delivery = ? AND n = ? AND ended_at IS NULL`,
			micros(end.At), outcome, end.Error, end.Response, n, attempts); err != nil {
			return err
		}
		if !waiting {
			return nil
		}
		var dueAt value
		if waits(end.State) {
			dueAt, o.wakes = micros(end.DueAt), true
		}
		_, err = g.conn.exec("UPDATE deliveries SET state = ?, due_at = ?, last_error = ? WHERE n = ?",
			string(end.State), dueAt, end.Error, n)
		return err
	}
	return db.writer.submit(ctx, o)
}

// Recover implements delivery.Queue.
func (db *DB) Recover(ctx context.Context, now time.Time) (n int, err error) {
	defer wrap(&err, "recover deliveries")
	o := &op{}
	o.apply = func(g *groupTx) error {
		changed, err := g.conn.exec(`
			UPDATE deliveries SET due_at = ?
			WHERE due_at IS NOT NULL AND n IN (SELECT delivery FROM attempts WHERE ended_at IS NULL)`, micros(now))
		if err != nil {
			return err
		}
		n, o.wakes = int(changed), changed > 0
		_, err = g.conn.exec(endOpenAttempts, micros(now))
		return err
	}
	if err := db.writer.submit(ctx, o); err != nil {
		return 0, err
	}
	return n, nil
}

// wrap adds the step to an error on its way out.
func wrap(err *error, step string, args ...any) {
	if *err != nil {
		*err = fmt.Errorf(step+": %w", append(args, *err)...)
	}
}
