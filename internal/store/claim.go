package store

import (
	"encoding/json"
	"fmt"
	"time"

	"heed/actions/delivery"
	"heed/engine/record"
)

// claimable are the deliveries of an action that an owner may claim, after the name
// of their table: those that are due and not its own already, whose destination is
// open, and before which none waits in their order.
const claimable = `
	WHERE action = ? AND due_at <= ? AND owner IS DISTINCT FROM ?
	AND NOT EXISTS (SELECT 1 FROM lanes WHERE d.destination != '' AND name = d.destination AND open_at > ?)
	AND NOT` + isOutOfTurn + `
	ORDER BY due_at`

// isOutOfTurn reports whether an earlier delivery with the same order key still waits.
const isOutOfTurn = ` (d.order_key IS NOT NULL AND EXISTS (SELECT 1 FROM deliveries p
	WHERE p.action = d.action AND p.order_key = d.order_key AND p.due_at IS NOT NULL AND p.n < d.n))`

// The columns of a delivery that is claimed.
const claimedCols = `
	SELECT d.n, d.id, e.id, d.rule, d.action, d.kind, d.state, d.created_at, d.attempts, d.last_error,
		d.request, d.spent, d.generation,
		EXISTS (SELECT 1 FROM attempts a WHERE a.delivery = d.n AND a.n = d.attempts AND a.ended_at IS NULL),
		d.destination, d.order_key, d.recipients, d.due_at,
		CASE WHEN d.attempts > d.spent AND d.last_error != '' THEN (
			SELECT count(*) FROM attempts a WHERE a.delivery = d.n AND a.n > d.spent AND a.error = d.last_error) ELSE 0 END`

var insertAttempts = insertInto("attempts", "delivery, n, started_at")

// maxProbed bounds the deliveries among which one for a probe is chosen.
const maxProbed = "200"

// The deliveries that a take may claim. A probe takes one that has not failed
// yet, if there is one: what fails whatever happens would prove nothing.
const (
	selectDue   = claimable + ", n LIMIT ?) d" + joinEvent + " ORDER BY d.due_at, d.n"
	selectFirst = claimable + ", n LIMIT " + maxProbed + ") d" + joinEvent +
		" ORDER BY d.attempts > d.spent, d.due_at, d.n LIMIT ?"
	selectNewest = claimable + " DESC, n DESC LIMIT " + maxProbed + ") d" + joinEvent +
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
	own.Correct(x.now, take.Interval, take.Timeout)
	if start, _ := own.NextStart(); x.now.Before(start) {
		x.askAgain(start)
		return nil
	}
	wanted, err := x.allowed(take)
	if wanted <= 0 || err != nil {
		x.askAgain(x.now.Add(busyElsewhere))
		return err
	}
	due := selectDue
	if own.IsTesting() {
		due, wanted = selectFirst, 1
		if own.PrefersNewest() {
			due = selectNewest
		}
	}
	at := micros(x.now)
	var candidates []claimedRow
	err = x.g.conn.Query(func(cols []value) error {
		row, err := scanClaimed(cols)
		candidates = append(candidates, row)
		return err
	}, claimedCols+" FROM (SELECT * FROM deliveries d"+x.g.words.dueIndex+due, take.Action, at, x.owner, at, int64(wanted))
	if err != nil {
		return err
	}
	admitted, err := x.admit(take, own, candidates)
	if err != nil {
		return err
	}
	if start, _ := own.NextStart(); len(admitted) < len(candidates) && !x.now.Before(start) {
		x.askAgain(x.now) // others may wait behind those whose destination is closed now
	}
	if len(candidates) < wanted {
		if err := x.nextOpen(); err != nil {
			return err
		}
	}
	return x.take(take, admitted)
}

// busyElsewhere is when to ask again while other owners use up the concurrency of an
// action.
const busyElsewhere = 100 * time.Millisecond

// allowed is how many deliveries of an action the owner may claim. While others send
// some, all of them together keep to its concurrency; an owner that is alone may
// claim ahead.
func (x *exchange) allowed(take delivery.Take) (n int, err error) {
	if !x.g.words.shared || take.Concurrency == 0 {
		return take.N, nil
	}
	var own, all int64
	err = x.g.conn.Query(func(cols []value) error {
		own, all = cols[0].(int64), cols[1].(int64)
		return nil
	}, "SELECT count(*) FILTER (WHERE owner = ?), count(*) FROM deliveries"+
		" WHERE owner IS NOT NULL AND action = ? AND (due_at > ? OR owner = ?)",
		x.owner, take.Action, micros(x.now), x.owner)
	if all == own {
		return take.N, err
	}
	return min(take.N, take.Concurrency-int(all)), err
}

// admit chooses those candidates that their lanes let start now.
func (x *exchange) admit(
	take delivery.Take, own *delivery.Lane, candidates []claimedRow,
) (admitted []claimedRow, err error) {
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
		allowed[destination] = lane.Admit(n, x.now, take.Interval, take.Timeout)
		if lane != own && own.IsTesting() && allowed[destination] > 0 {
			own.Admit(1, x.now, 0, take.Timeout) // it is the probe of the action, too
		}
		if start, _ := lane.NextStart(); x.now.Before(start) {
			x.askAgain(start)
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
			if err := x.g.conn.Send(endOpenAttempts+" AND delivery = ?", at, d.n); err != nil {
				return err
			}
		}
		attempts[i] = []value{d.n, int64(d.Attempts), at}
		if err := x.g.conn.Send("UPDATE deliveries SET attempts = ?, due_at = ?, owner = ? WHERE n = ?",
			int64(d.Attempts), until, x.owner, d.n); err != nil {
			return err
		}
		x.claimed.Deliveries = append(x.claimed.Deliveries, d.Delivery)
	}
	return insertAttempts.insert(x.g.conn, attempts)
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
		Alike:       int(cols[18].(int64)),
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
