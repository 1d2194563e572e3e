package inbox

import "log/slog"

// trouble logs each problem once, for as long as every scan finds it.
type trouble struct {
	log          *slog.Logger
	before, this map[string]bool
}

// about logs a problem, identified by what, unless the previous scan found it too.
func (t *trouble) about(what, message string, args ...any) {
	if !t.before[what] && !t.this[what] {
		t.log.Warn(message, args...)
	}
	if t.this == nil {
		t.this = map[string]bool{}
	}
	t.this[what] = true
}

func (t *trouble) endLook() { t.before, t.this = t.this, nil }
