package receiver

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// warnEvery is how often one kind of refusal is logged at most. A flood of
// refused requests must not become a flood of log lines; their number is a
// metric.
const warnEvery = time.Minute

// warning is what the log says about one reason.
type warning struct {
	reason  Reason
	level   slog.Level
	message string
	cause   string
}

// unusableID is the one warning about requests that are not refused: see
// eventID.
var unusableID = &warning{
	reason: "unusable_id", level: slog.LevelWarn, message: "event ids not usable",
	cause: "taken as if without id: " + EventIDHeader + " is doubled, over 256 bytes or not printable",
}

// warnings logs refusals, one line per reason and minute. A line holds nothing
// that the sender of the request chose.
type warnings struct {
	log *slog.Logger
	now func() time.Time

	mu    sync.Mutex
	kinds map[Reason]*warned
}

// warned is what happened to one reason.
type warned struct {
	last  time.Time // when it was logged
	since int       // how many came after that
}

func newWarnings(log *slog.Logger, now func() time.Time) *warnings {
	return &warnings{log: log, now: now, kinds: map[Reason]*warned{}}
}

// note counts one and logs it if its reason was not logged in the last
// minute. remote is the address of the connection, err what the log should
// have of the cause, or nil.
func (w *warnings) note(why *warning, remote string, err error) {
	if why.cause == "" {
		return
	}
	count := w.due(why.reason)
	if count == 0 {
		return
	}
	attrs := []slog.Attr{
		slog.String("reason", string(why.reason)),
		slog.String("likely", why.cause),
		slog.Int("count", count),
		slog.String("remote", remote),
	}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	w.log.LogAttrs(context.Background(), why.level, why.message, attrs...)
}

// due returns how many of a kind came since its last line, this one included,
// or 0 if the next line has to wait.
func (w *warnings) due(reason Reason) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	kind, known := w.kinds[reason]
	if !known {
		kind = &warned{}
		w.kinds[reason] = kind
	}
	kind.since++
	// A clock that was set back must not silence a warning for long.
	if age := now.Sub(kind.last); known && age >= 0 && age < warnEvery {
		return 0
	}
	count := kind.since
	kind.last, kind.since = now, 0
	return count
}
