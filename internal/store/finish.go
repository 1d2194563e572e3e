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

// ending is what is stored of a delivery whose attempt has ended.
type ending struct {
	n, attempts             int64
	waiting, ordered, owned bool
	lanes                   []string
}

// readEndings reads the deliveries of some ends, by their ids. One that was deleted
// meanwhile is missing.
func (x *exchange) readEndings(ends []delivery.End) (map[string]ending, error) {
	if len(ends) == 0 {
		return nil, nil
	}
	ids := make([]string, len(ends))
	for i := range ends {
		ids[i] = ends[i].ID
	}
	list, err := x.g.words.list(ids)
	if err != nil {
		return nil, err
	}
	found := make(map[string]ending, len(ends))
	err = x.g.conn.Query(func(cols []value) error {
		found[cols[0].(string)] = ending{
			n: cols[1].(int64), attempts: cols[2].(int64),
			waiting: cols[3] != nil, ordered: cols[6] != nil, owned: cols[7] == value(x.owner),
			lanes: lanesOf(cols[4].(string), cols[5].(string)),
		}
		return nil
	}, "SELECT id, n, attempts, due_at, action, destination, order_key, owner FROM deliveries WHERE "+
		x.g.words.inTexts("id"), list)
	return found, err
}

// finish records how an attempt ended, for its delivery and for its destination.
// It says whether something may be due now that was not before.
func (x *exchange) finish(end *delivery.End, d ending) (wakes bool, err error) {
	if !d.owned {
		x.claimed.Lost = append(x.claimed.Lost, end.ID)
		return false, nil
	}
	if err := x.teach(d.lanes, end); err != nil {
		return false, err
	}
	if err := x.g.conn.Send(`
		UPDATE attempts SET started_at = coalesce(?, started_at), ended_at = ?, outcome = ?, error = ?, response = ?
		WHERE delivery = ? AND n = ? AND ended_at IS NULL`,
		startedAt(end), micros(end.At), outcomes[end.State], end.Error, end.Outcome.Response, d.n, d.attempts); err != nil {
		return false, err
	}
	if !d.waiting {
		return false, x.g.conn.Send("UPDATE deliveries SET owner = NULL WHERE n = ?", d.n)
	}
	lastError := end.Error
	if d.ordered && end.State == record.Dead {
		if lastError, err = x.goesOn(d.n, lastError); err != nil {
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
	return dueAt != nil || d.ordered, x.g.conn.Send(`
		UPDATE deliveries SET owner = NULL, state = ?, due_at = ?, last_error = ?, recipients = coalesce(?, recipients)
		WHERE n = ?`, string(end.State), dueAt, lastError, recipients, d.n)
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
func (x *exchange) release(end *delivery.End, d ending) (wakes bool, err error) {
	if !d.owned {
		return false, nil
	}
	for _, name := range d.lanes {
		lane, err := x.lane(name)
		if err != nil {
			return false, err
		}
		lane.Abandoned(x.now)
	}
	const withdraw = "DELETE FROM attempts WHERE ended_at IS NULL AND delivery = ? AND n = ?"
	if err := x.g.conn.Send(withdraw, d.n, d.attempts); err != nil {
		return false, err
	}
	return true, x.g.conn.Send(`
		UPDATE deliveries SET owner = NULL, attempts = attempts - 1,
			due_at = CASE WHEN due_at IS NOT NULL THEN CAST(? AS BIGINT) END
		WHERE n = ?`, micros(end.DueAt), d.n)
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
