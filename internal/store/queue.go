package store

import (
	"context"
	"fmt"
	"slices"
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
		SELECT * FROM (SELECT action FROM deliveries WHERE due_at IS NOT NULL ORDER BY action LIMIT 1) AS first
		UNION ALL
		SELECT (SELECT action FROM deliveries WHERE due_at IS NOT NULL AND action > waiting.action ORDER BY action LIMIT 1)
		FROM waiting WHERE waiting.action IS NOT NULL
	)
	SELECT action,
		(SELECT min(due_at) FROM deliveries WHERE action = waiting.action AND due_at IS NOT NULL) <= ?,
		(SELECT min(due_at) FROM deliveries WHERE action = waiting.action AND due_at > ?)
	FROM waiting WHERE action IS NOT NULL`

// DueActions implements delivery.Queue.
func (db *DB) DueActions(
	ctx context.Context, now time.Time, known []string,
) (actions []string, next time.Time, err error) {
	defer wrap(&err, "find due deliveries")
	rows, err := db.due.QueryContext(ctx, micros(now), micros(now))
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
		if !slices.Contains(known, action) {
			continue
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

// PendingByAction counts the deliveries that wait to be sent. Actions without any are
// left out.
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

// Exchange implements delivery.Queue. A delivery whose lease ran out is claimed
// again, and its attempt before that ends as interrupted. A delivery's LastError
// becomes its end's Error.
func (db *DB) Exchange(
	ctx context.Context, owner string, now time.Time, ends []delivery.End, takes []delivery.Take,
) (claimed delivery.Claimed, err error) {
	defer wrap(&err, "record and claim deliveries")
	for i := range ends {
		if _, ok := outcomes[ends[i].State]; !ok && !ends[i].Released {
			return delivery.Claimed{}, fmt.Errorf("an attempt cannot end in the state %q", ends[i].State)
		}
	}
	o := &op{}
	o.apply = func(g *groupTx) error {
		claimed, o.wakes = delivery.Claimed{}, false
		x := exchange{g: g, owner: owner, now: now, lanes: map[string]*laneRow{}}
		wakes, err := x.endAll(ends)
		if err != nil {
			return err
		}
		o.wakes = wakes
		if len(ends) > 0 && len(takes) > 0 { // what is claimable is decided by the table
			if err := x.saveLanes(); err != nil {
				return err
			}
		}
		for _, take := range takes {
			if err := x.claim(take); err != nil {
				return err
			}
		}
		err = x.saveLanes()
		claimed = x.claimed
		return err
	}
	if err := db.writer.submit(ctx, o); err != nil {
		return delivery.Claimed{}, err
	}
	return claimed, nil
}

// exchange is one Exchange within its transaction.
type exchange struct {
	g       *groupTx
	owner   string
	now     time.Time
	lanes   map[string]*laneRow // those that were looked at, by name
	claimed delivery.Claimed
}

// endAll records how attempts have ended, in their order.
func (x *exchange) endAll(ends []delivery.End) (wakes bool, err error) {
	found, err := x.readEndings(ends)
	if err != nil {
		return false, err
	}
	for i := range ends {
		d, ok := found[ends[i].ID]
		if !ok { // it was deleted meanwhile, and there is nothing left to finish
			continue
		}
		end := x.finish
		if ends[i].Released {
			end = x.release
		}
		woken, err := end(&ends[i], d)
		if err != nil {
			return false, err
		}
		wakes = wakes || woken
	}
	return wakes, nil
}

// Renew implements delivery.Queue.
func (db *DB) Renew(ctx context.Context, owner string, until time.Time) (err error) {
	defer wrap(&err, "renew leases")
	return db.writer.do(ctx, func(g *groupTx) error {
		_, err := g.conn.Exec("UPDATE deliveries SET due_at = ? WHERE due_at IS NOT NULL AND owner = ? AND"+isBeingSent,
			micros(until), owner)
		return err
	})
}

// isBeingSent reports whether the delivery has an attempt that has not ended.
const isBeingSent = " n IN (SELECT delivery FROM attempts WHERE ended_at IS NULL)"

// TakeOver implements delivery.Queue.
func (db *DB) TakeOver(ctx context.Context, owner string, now time.Time) (n int, err error) {
	defer wrap(&err, "take over deliveries")
	return db.base.takeOver(ctx, db, owner, micros(now))
}

// takeOver makes due what owners other than this one have claimed.
func (g *groupTx) takeOver(owner string, nowMicros int64) (n int, err error) {
	changed, err := g.conn.Exec("UPDATE deliveries SET due_at = ?"+
		" WHERE due_at IS NOT NULL AND owner IS DISTINCT FROM ? AND"+isBeingSent, nowMicros, owner)
	if err != nil {
		return 0, err
	}
	others := " delivery IN (SELECT n FROM deliveries WHERE owner IS DISTINCT FROM ? AND" + isBeingSent + ")"
	if _, err := g.conn.Exec(endOpenAttempts+" AND"+others, nowMicros, owner); err != nil {
		return 0, err
	}
	const unclaim = "UPDATE deliveries SET owner = NULL WHERE owner IS NOT NULL AND owner != ?"
	if _, err := g.conn.Exec(unclaim, owner); err != nil {
		return 0, err
	}
	return int(changed), abandonProbes(g, timeOf(nowMicros))
}

// wrap adds the step to an error on its way out.
func wrap(err *error, step string, args ...any) {
	if *err != nil {
		*err = fmt.Errorf(step+": %w", append(args, *err)...)
	}
}
