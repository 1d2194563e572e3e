package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"heed/actions"
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

// Exchange implements delivery.Queue. A delivery whose lease ran out is claimed
// again, and its attempt before that ends as interrupted. A delivery's LastError
// becomes its end's Error.
func (db *DB) Exchange(ctx context.Context, now time.Time, ends []delivery.End, takes []delivery.Take) (claimed delivery.Claimed, err error) {
	defer wrap(&err, "record and claim deliveries")
	for i := range ends {
		if _, ok := outcomes[ends[i].State]; !ok && !ends[i].Released {
			return delivery.Claimed{}, fmt.Errorf("an attempt cannot end in the state %q", ends[i].State)
		}
	}
	o := &op{}
	o.apply = func(g *groupTx) error {
		claimed, o.wakes = delivery.Claimed{}, false
		x := exchange{g: g, now: now, lanes: map[string]*laneRow{}}
		for i := range ends {
			end := x.finish
			if ends[i].Released {
				end = x.release
			}
			wakes, err := end(&ends[i])
			if err != nil {
				return err
			}
			o.wakes = o.wakes || wakes
		}
		for _, take := range takes {
			if err := x.claim(take); err != nil {
				return err
			}
		}
		err := x.saveLanes()
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
	now     time.Time
	lanes   map[string]*laneRow // those that were looked at, by name
	claimed delivery.Claimed
}

// claimable are the deliveries of an action that may be claimed: those that are
// due, whose destination is open, and before which none waits in their order.
const claimable = `
	SELECT * FROM deliveries d INDEXED BY deliveries_due
	WHERE action = ? AND due_at <= ?
	AND NOT EXISTS (SELECT 1 FROM lanes WHERE d.destination != '' AND name = d.destination AND open_at > ?)` + `
	AND NOT` + isOutOfTurn + `
	ORDER BY due_at`

// isOutOfTurn says whether an earlier delivery of the same order still waits.
const isOutOfTurn = ` (d.order_key IS NOT NULL AND EXISTS (SELECT 1 FROM deliveries p
	WHERE p.action = d.action AND p.order_key = d.order_key AND p.due_at IS NOT NULL AND p.n < d.n))`

// The columns of a delivery that is claimed.
const claimedCols = `
	SELECT d.n, d.id, e.id, d.rule, d.action, d.kind, d.state, d.created_at, d.attempts, d.last_error, d.request, d.spent, d.generation,
		EXISTS (SELECT 1 FROM attempts a WHERE a.delivery = d.n AND a.n = d.attempts AND a.ended_at IS NULL),
		d.destination, d.order_key, d.recipients, d.due_at`

// maxProbed bounds among how many deliveries one for a probe is chosen.
const maxProbed = "200"

// The deliveries that a take may claim. A probe takes one that has not failed
// yet, if there is one: what fails whatever happens would prove nothing.
const (
	selectDue   = claimedCols + " FROM (" + claimable + ", n LIMIT ?) d" + joinEvent + " ORDER BY d.due_at, d.n"
	selectFirst = claimedCols + " FROM (" + claimable + ", n LIMIT " + maxProbed + ") d" + joinEvent +
		" ORDER BY d.attempts > d.spent, d.due_at, d.n LIMIT ?"
	selectNewest = claimedCols + " FROM (" + claimable + " DESC, n DESC LIMIT " + maxProbed + ") d" + joinEvent +
		" ORDER BY d.attempts > d.spent, d.due_at DESC, d.n DESC LIMIT ?"
	joinEvent = " JOIN events e ON e.seq = d.n / 65536"
)

// claim claims for one take.
func (x *exchange) claim(take delivery.Take) error {
	if take.N <= 0 {
		return nil
	}
	own, err := x.lane(take.Action)
	if err != nil {
		return err
	}
	own.Correct(x.now, take.Interval, take.Lease)
	if open, _ := own.Open(); x.now.Before(open) {
		x.askAgain(open)
		return nil
	}
	due, wanted := selectDue, take.N
	if own.IsTesting() {
		due, wanted = selectFirst, 1
		if own.PrefersNewest() {
			due = selectNewest
		}
	}
	at := micros(x.now)
	var candidates []claimedRow
	err = x.g.conn.query(func(cols []value) error {
		row, err := scanClaimed(cols)
		candidates = append(candidates, row)
		return err
	}, due, take.Action, at, at, int64(wanted))
	if err != nil {
		return err
	}
	admitted, err := x.admit(take, own, candidates)
	if err != nil {
		return err
	}
	if open, _ := own.Open(); len(admitted) < len(candidates) && !x.now.Before(open) {
		x.askAgain(x.now) // others may wait behind those whose destination is closed now
	}
	if len(candidates) < wanted {
		if err := x.nextOpen(); err != nil {
			return err
		}
	}
	return x.take(take, admitted)
}

// admit chooses those candidates that their lanes let start now.
func (x *exchange) admit(take delivery.Take, own *delivery.Lane, candidates []claimedRow) (admitted []claimedRow, err error) {
	counts := map[string]int{}
	for i := range candidates {
		counts[candidates[i].Destination]++
	}
	allowed := map[string]int{}
	for destination, n := range counts {
		lane := own
		if destination != "" {
			if lane, err = x.lane(destination); err != nil {
				return nil, err
			}
		}
		allowed[destination] = lane.Admit(n, x.now, take.Interval, take.Lease)
		if lane != own && own.IsTesting() && allowed[destination] > 0 {
			own.Admit(1, x.now, 0, take.Lease) // it is the probe of the action, too
		}
		if open, _ := lane.Open(); x.now.Before(open) {
			x.askAgain(open)
		}
	}
	for i := range candidates {
		if destination := candidates[i].Destination; allowed[destination] > 0 {
			allowed[destination]--
			admitted = append(admitted, candidates[i])
		}
	}
	return admitted, nil
}

// take claims the deliveries.
func (x *exchange) take(take delivery.Take, rows []claimedRow) error {
	at, until := micros(x.now), micros(x.now.Add(take.Lease))
	attempts := make([][]value, len(rows))
	for i := range rows {
		d := &rows[i]
		if d.Interrupted {
			if _, err := x.g.conn.exec(endOpenAttempts+" AND delivery = ?", at, d.n); err != nil {
				return err
			}
		}
		attempts[i] = []value{d.n, int64(d.Attempts), at}
		if _, err := x.g.conn.exec("UPDATE deliveries SET attempts = ?, due_at = ? WHERE n = ?", int64(d.Attempts), until, d.n); err != nil {
			return err
		}
		x.claimed.Deliveries = append(x.claimed.Deliveries, d.Delivery)
	}
	return x.g.conn.insert("INSERT INTO attempts (delivery, n, started_at)", attempts)
}

// askAgain notes when something may be claimed that may not be now.
func (x *exchange) askAgain(at time.Time) {
	if !at.IsZero() && (x.claimed.Next.IsZero() || at.Before(x.claimed.Next)) {
		x.claimed.Next = at
	}
}

// claimedRow is a delivery as it is once it is claimed, with its n.
type claimedRow struct {
	record.Delivery
	n int64
}

// scanClaimed reads a delivery as it is once it is claimed.
func scanClaimed(cols []value) (claimedRow, error) {
	d := record.Delivery{
		EventSeq:  cols[0].(int64) / maxDeliveries,
		ID:        cols[1].(string),
		EventID:   cols[2].(string),
		Rule:      cols[3].(string),
		Action:    cols[4].(string),
		Kind:      cols[5].(string),
		State:     record.State(cols[6].(string)),
		CreatedAt: timeOf(cols[7].(int64)),
		DueAt:     timeOf(cols[17].(int64)),
		Attempts:  int(cols[8].(int64)) + 1,
		LastError: cols[9].(string),

		Spent:      int(cols[11].(int64)),
		Generation: int(cols[12].(int64)),

		Interrupted: cols[13].(int64) != 0,
		Destination: cols[14].(string),
	}
	d.OrderKey, _ = cols[15].(string)
	if request, ok := cols[10].([]byte); ok {
		d.Request = json.RawMessage(request)
	}
	if recipients, ok := cols[16].([]byte); ok {
		if err := json.Unmarshal(recipients, &d.Recipients); err != nil {
			return claimedRow{}, fmt.Errorf("read the recipients of delivery %s: %w", d.ID, err)
		}
	}
	return claimedRow{d, cols[0].(int64)}, nil
}

// outcomes are how an attempt ended, by what became of its delivery.
var outcomes = map[record.State]string{record.Done: "done", record.Retrying: "retry", record.Dead: "dead"}

const endOpenAttempts = "UPDATE attempts SET ended_at = ?, outcome = 'interrupted' WHERE ended_at IS NULL"

// finish records how an attempt ended, for its delivery and for its destination.
// It says whether something may be due now that was not before.
func (x *exchange) finish(end *delivery.End) (wakes bool, err error) {
	var n, attempts int64
	var waiting, ordered bool
	var names []string
	err = x.g.conn.query(func(cols []value) error {
		n, attempts, waiting, ordered = cols[0].(int64), cols[1].(int64), cols[2] != nil, cols[5] != nil
		names = []string{cols[3].(string)}
		if destination := cols[4].(string); destination != "" {
			names = append(names, destination)
		}
		return nil
	}, "SELECT n, attempts, due_at, action, destination, order_key FROM deliveries WHERE id = ?", end.ID)
	if err != nil || n == 0 { // none: it was deleted meanwhile, and there is nothing left to finish
		return false, err
	}
	if err := x.teach(names, end); err != nil {
		return false, err
	}
	if _, err := x.g.conn.exec(`
		UPDATE attempts SET started_at = ifnull(?, started_at), ended_at = ?, outcome = ?, error = ?, response = ?
		WHERE delivery = ? AND n = ? AND ended_at IS NULL`,
		startedAt(end), micros(end.At), outcomes[end.State], end.Error, end.Outcome.Response, n, attempts); err != nil {
		return false, err
	}
	if !waiting {
		return false, nil
	}
	lastError := end.Error
	if ordered && end.State == record.Dead {
		if lastError, err = x.goesOn(n, lastError); err != nil {
			return false, err
		}
	}
	var dueAt value
	if waits(end.State) {
		dueAt = micros(end.DueAt)
	}
	var recipients []byte
	if len(end.Outcome.Recipients) > 0 {
		if recipients, err = json.Marshal(end.Outcome.Recipients); err != nil {
			return false, fmt.Errorf("encode recipients: %w", err)
		}
	}
	_, err = x.g.conn.exec(`
		UPDATE deliveries SET state = ?, due_at = ?, last_error = ?, recipients = ifnull(?, recipients) WHERE n = ?`,
		string(end.State), dueAt, lastError, recipients, n)
	return dueAt != nil || ordered, err
}

// release takes a claim back.
func (x *exchange) release(end *delivery.End) (wakes bool, err error) {
	if _, err := x.g.conn.exec(`
		DELETE FROM attempts WHERE ended_at IS NULL
		AND (delivery, n) IN (SELECT n, attempts FROM deliveries WHERE id = ?)`, end.ID); err != nil {
		return false, err
	}
	changed, err := x.g.conn.exec(`
		UPDATE deliveries SET attempts = attempts - 1, due_at = iif(due_at IS NULL, NULL, ?) WHERE id = ?`, micros(end.DueAt), end.ID)
	return changed > 0, err
}

// goesOn adds to the error of a delivery that is given up which one of the same
// order is sent without it.
func (x *exchange) goesOn(n int64, lastError string) (string, error) {
	err := x.g.conn.query(func(cols []value) error {
		lastError = fmt.Sprintf("%s; the next delivery of the same order goes on: %s", lastError, cols[0])
		return nil
	}, `SELECT p.id FROM deliveries d JOIN deliveries p ON p.action = d.action AND p.order_key = d.order_key AND p.due_at IS NOT NULL AND p.n > d.n
		WHERE d.n = ? ORDER BY p.n LIMIT 1`, n)
	return lastError, err
}

func startedAt(end *delivery.End) value {
	if end.StartedAt.IsZero() {
		return nil
	}
	return micros(end.StartedAt)
}

// teach tells the lanes of an action, and of a destination of its own, how an
// attempt ended. Whether the other side works is known of the action, since all
// its destinations are behind the same server; how fast it takes deliveries, of
// the destination.
func (x *exchange) teach(names []string, end *delivery.End) error {
	for i, name := range names {
		lane, err := x.lane(name)
		if err != nil {
			return err
		}
		o := end.Outcome
		switch shared := len(names) > 1; {
		case end.Interrupted, shared && i == 1 && o.Cause == actions.CauseServer:
			lane.Abandoned(end.At)
		case shared && i == 0 && o.Cause == actions.CauseThrottled:
			lane.Ended(actions.Outcome{Verdict: actions.Done}, end.StartedAt, end.At) // it answers
		default:
			lane.Ended(o, end.StartedAt, end.At)
		}
	}
	return nil
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
		if _, err = g.conn.exec(endOpenAttempts, micros(now)); err != nil {
			return err
		}
		return abandonProbes(g, now)
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
