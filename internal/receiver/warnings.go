package receiver

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"heed/engine/source"
)

// warnEvery is the minimum interval between log lines about one kind of refusal. A flood
// of refused requests must not become a flood of log lines; a metric counts them.
const warnEvery = time.Minute

// A warning is what the log says about one reason. The cause has holes that are filled in
// from the request's source.
type warning struct {
	reason  Reason
	level   slog.Level
	message string
	cause   string
}

const refusedMessage = "webhook requests refused"

var (
	// unusableID is the one warning about requests that are not refused: see eventID.
	unusableID = &warning{
		reason: "unusable_id", level: slog.LevelWarn, message: "event ids not usable",
		cause: "taken as if without id: {id_header} is doubled, over 256 bytes or not printable",
	}
	// misdirected is about a request that looks like a source's but whose path belongs to
	// none.
	misdirected = &warning{
		reason: NotFound, level: slog.LevelWarn, message: refusedMessage,
		cause: "the webhook's URL at {sender} must end in {path}",
	}
)

// warnings logs refusals, one line per source, reason and minute. A line holds nothing
// that the sender of the request chose.
type warnings struct {
	log *slog.Logger
	now func() time.Time

	mu    sync.Mutex
	kinds map[kind]*warned
}

// A kind is what is counted together. The source is empty for an unknown path.
type kind struct {
	source string
	reason Reason
}

// warned is what happened to one kind.
type warned struct {
	last  time.Time // when it was logged
	since int       // how many occurred after that
}

func newWarnings(log *slog.Logger, now func() time.Time) *warnings {
	return &warnings{log: log, now: now, kinds: map[kind]*warned{}}
}

// note counts a refusal, and logs it if its kind was not logged in the last minute. s is
// nil for a request without a source, remote is the address of the connection, and err,
// if not nil, is the cause for the log.
func (w *warnings) note(s *source.Source, why *warning, remote string, err error) {
	if why.cause == "" {
		return
	}
	name, cause := "", why.cause
	if s != nil {
		name = s.Name
	}
	count := w.due(kind{name, why.reason})
	if count == 0 {
		return
	}
	attrs := make([]slog.Attr, 0, 6)
	if s != nil {
		cause = holes(s).Replace(cause)
		attrs = append(attrs, slog.String("source", name))
	}
	attrs = append(attrs,
		slog.String("reason", string(why.reason)),
		slog.String("likely", cause),
		slog.Int("count", count),
		slog.String("remote", remote))
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	w.log.LogAttrs(context.Background(), why.level, why.message, attrs...)
}

// due returns how many of a kind came since its last line, this one included,
// or 0 if the next line has to wait.
func (w *warnings) due(k kind) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	so, known := w.kinds[k]
	if !known {
		so = &warned{}
		w.kinds[k] = so
	}
	so.since++
	// A clock that was set back must not silence a warning for long.
	if age := now.Sub(so.last); known && age >= 0 && age < warnEvery {
		return 0
	}
	count := so.since
	so.last, so.since = now, 0
	return count
}
