package admin

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"

	"heed/engine/event"
)

// ParseSince reads a time, a date, or how long ago it was. An empty text is the zero
// time.
func ParseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, ok := event.ParseTime(text); ok {
		return t, nil
	}
	ago, err := model.ParseDuration(text)
	if err != nil {
		return time.Time{}, fmt.Errorf(
			"%q is not a time: write 2026-03-01, 2026-03-01T09:00:00Z, or how long ago, such as 7d or 12h", text)
	}
	return now.Add(-time.Duration(ago)), nil
}

// checkSpan refuses times between which nothing can be: how long ago reads backwards,
// so that since 1h until 2h is easily written.
func checkSpan(since, until time.Time) error {
	if since.IsZero() || until.IsZero() || since.Before(until) {
		return nil
	}
	return errorf(Invalid, "since (%s) is not before until (%s): there is nothing between them",
		since.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339))
}
