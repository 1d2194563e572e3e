package main

import (
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"
)

// newLogger makes the log of a server: coloured text on a terminal, JSON
// elsewhere, unless the flags say otherwise.
func newLogger(s streams, w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usage("--log-level %q is none: write debug, info, warn or error", level)
	}
	if format == "" {
		format = "json"
		if isTerminal(w) {
			format = "text"
		}
	}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l})), nil
	case "text":
		return slog.New(tint.NewTextHandler(w,
			&tint.Options{Level: l, TimeFormat: time.TimeOnly, NoColor: s.style(w) == style{}})), nil
	default:
		return nil, usage("--log-format %q is none: write text or json", format)
	}
}
