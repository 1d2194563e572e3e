package store

import (
	"encoding/json"
	"fmt"

	"heed/actions"
	"heed/actions/delivery"
	"heed/engine/record"
)

// outcomes are how an attempt ended, by what became of its delivery.
var outcomes = map[record.State]string{record.Done: "done", record.Retrying: "retry", record.Dead: "dead"}

const endOpenAttempts = "UPDATE attempts SET ended_at = ?, outcome = 'interrupted' WHERE ended_at IS NULL"

// finish records how an attempt ended, for its delivery and for its destination.
// It says whether something may be due now that was not before.
func (x *exchange) finish(end *delivery.End) (wakes bool, err error) {
	var n, attempts int64
	var waiting, ordered bool
	var names []string
	owned := false
	err = x.g.conn.Query(func(cols []value) error {
		n, attempts, waiting, ordered = cols[0].(int64), cols[1].(int64), cols[2] != nil, cols[5] != nil
		owned = cols[6] == value(x.owner)
		names = lanesOf(cols[3].(string), cols[4].(string))
		return nil
	}, "SELECT n, attempts, due_at, action, destination, order_key, owner FROM deliveries WHERE id = ?", end.ID)
	if err != nil || n == 0 { // none: it was deleted meanwhile, and there is nothing left to finish
		return false, err
	}
	if !owned {
		x.claimed.Lost = append(x.claimed.Lost, end.ID)
		return false, nil
	}
	if err := x.teach(names, end); err != nil {
		return false, err
	}
	if _, err := x.g.conn.Exec(`
		UPDATE attempts SET started_at = coalesce(?, started_at), ended_at = ?, outcome = ?, error = ?, response = ?
		WHERE delivery = ? AND n = ? AND ended_at IS NULL`,
		startedAt(end), micros(end.At), outcomes[end.State], end.Error, end.Outcome.Response, n, attempts); err != nil {
		return false, err
	}
	if !waiting {
		_, err := x.g.conn.Exec("UPDATE deliveries SET owner = NULL WHERE n = ?", n)
		return false, err
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
	_, err = x.g.conn.Exec(`
		UPDATE deliveries SET owner = NULL, state = ?, due_at = ?, last_error = ?, recipients = coalesce(?, recipients) WHERE n = ?`,
		string(end.State), dueAt, lastError, recipients, n)
	return dueAt != nil || ordered, err
}

// lanesOf names the lanes of a delivery: its action's, and its destination's if
// that is another.
func lanesOf(action, destination string) []string {
	if destination == "" {
		return []string{action}
	}
	return []string{action, destination}
}

// release takes a claim back, and lets its lanes be probed by another.
func (x *exchange) release(end *delivery.End) (wakes bool, err error) {
	var names []string
	err = x.g.conn.Query(func(cols []value) error {
		names = lanesOf(cols[0].(string), cols[1].(string))
		return nil
	}, "SELECT action, destination FROM deliveries WHERE id = ? AND owner = ?", end.ID, x.owner)
	if err != nil || names == nil {
		return false, err
	}
	for _, name := range names {
		lane, err := x.lane(name)
		if err != nil {
			return false, err
		}
		lane.Abandoned(x.now)
	}
	if _, err := x.g.conn.Exec(`
		DELETE FROM attempts WHERE ended_at IS NULL
		AND (delivery, n) IN (SELECT n, attempts FROM deliveries WHERE id = ?)`, end.ID); err != nil {
		return false, err
	}
	changed, err := x.g.conn.Exec(`
		UPDATE deliveries SET owner = NULL, attempts = attempts - 1, due_at = CASE WHEN due_at IS NOT NULL THEN CAST(? AS BIGINT) END
		WHERE id = ?`, micros(end.DueAt), end.ID)
	return changed > 0, err
}

// goesOn adds to the error of a delivery that is given up which one of the same
// order is sent without it.
func (x *exchange) goesOn(n int64, lastError string) (string, error) {
	err := x.g.conn.Query(func(cols []value) error {
		lastError = fmt.Sprintf("%s; the next delivery of the same order goes on: %s", lastError, cols[0])
		return nil
	}, `SELECT p.id FROM deliveries d
		JOIN deliveries p ON p.action = d.action AND p.order_key = d.order_key AND p.due_at IS NOT NULL AND p.n > d.n
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
