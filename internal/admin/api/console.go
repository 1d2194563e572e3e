package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"heed/engine/record"
	"heed/internal/admin"
)

// What the pages for people ask, as JSON.

func (a *api) progress(r *http.Request) (any, error) {
	return a.Service.Progress(r.Context(), r.URL.Query().Get("team"))
}

func (a *api) search(r *http.Request) (any, error) {
	return a.Service.Search(r.Context(), r.URL.Query().Get("q"))
}

func (a *api) audit(r *http.Request) (any, error) {
	return a.Service.Audit(r.Context(), r.URL.Query().Get("cursor"), limit(r))
}

// streamTimeout is how long a write to a follower may take.
const streamTimeout = 10 * time.Second

// follow sends events as they come, as server-sent events. The id of each message is
// the number of the newest event in it: a client that was cut off sends it as
// Last-Event-ID and continues there.
func (a *api) follow(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	q := admin.EventQuery{
		Type: query.Get("type"), Source: query.Get("source"), Status: record.Status(query.Get("status")),
		User: query.Get("user"), Rule: query.Get("rule"), Outcome: query.Get("outcome"),
	}
	after := int64(0)
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		var err error
		if after, err = strconv.ParseInt(last, 10, 64); err != nil || after < 0 {
			return badRequest("Last-Event-ID is the id of a message of this stream")
		}
	}
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // it lasts as long as somebody looks
	begun := false
	write := func(text string) error {
		if !begun {
			begun = true
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("X-Accel-Buffering", "no")
		}
		_ = out.SetWriteDeadline(time.Now().Add(streamTimeout))
		if _, err := fmt.Fprint(w, text); err != nil {
			return err
		}
		return out.Flush()
	}
	err := a.Service.Follow(r.Context(), q, after, func(f admin.Fresh) error {
		text, err := json.Marshal(f)
		if err != nil {
			return err
		}
		return write(fmt.Sprintf("id: %d\ndata: %s\n\n", f.Seq, text))
	}, func() error { return write(": still here\n\n") })
	if begun {
		return nil // the client is gone, or heed stops
	}
	return err
}
