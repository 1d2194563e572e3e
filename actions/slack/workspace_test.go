package slack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"heed/actions/actiontest"
	"heed/actions/slack"
)

// workspace is Slack as far as messages, threads and people go: a reply to a
// message that is not there any more is posted outside of any thread.
type workspace struct {
	*fake
	mu      sync.Mutex
	people  map[string]string // ids by address
	posts   []post
	lookups []string
	gone    map[string]bool                                     // messages that were deleted
	refuse  func(method string, form url.Values) (error string) // empty: not refused
}

type post struct{ Channel, Text, Thread, TS string }

func newWorkspace(t *testing.T) *workspace {
	w := &workspace{people: map[string]string{}, gone: map[string]bool{}}
	w.fake = newFake(t, w.answer)
	return w
}

func (w *workspace) answer(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.got()
	form := calls[len(calls)-1].Form
	method := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if w.refuse != nil {
		if refusal := w.refuse(method, form); refusal != "" {
			fmt.Fprintf(rw, `{"ok":false,"error":%q}`, refusal)
			return
		}
	}
	switch method {
	case "users.lookupByEmail":
		w.lookups = append(w.lookups, form.Get("email"))
		id, found := w.people[form.Get("email")]
		if !found {
			fmt.Fprint(rw, `{"ok":false,"error":"users_not_found"}`)
			return
		}
		fmt.Fprintf(rw, `{"ok":true,"user":{"id":%q,"deleted":%t}}`, id, strings.HasPrefix(id, "X"))
	case "chat.postMessage":
		p := post{form.Get("channel"), form.Get("text"), form.Get("thread_ts"), fmt.Sprintf("%d.0", len(w.posts)+1)}
		if w.gone[p.Thread] {
			p.Thread = ""
		}
		w.posts = append(w.posts, p)
		message := map[string]string{"ts": p.TS, "text": p.Text}
		if p.Thread != "" {
			message["thread_ts"] = p.Thread
		}
		_ = json.NewEncoder(rw).Encode(map[string]any{"ok": true, "channel": p.Channel, "ts": p.TS, "message": message})
	}
}

func (w *workspace) posted() []post {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]post(nil), w.posts...)
}

// bot is a rule whose action posts to the workspace and shares a memory.
func (w *workspace) bot(memory *slack.Memory, step string) actiontest.Rule {
	r := w.fake.bot(step)
	r.Kind = slack.Kind{Memory: memory}
	return r
}

// clock is the time as a test sets it.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }
