package slack

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"heed/actions"
)

// threadGone are Slack's answers when the message that began a thread no longer
// exists, or takes no replies.
var threadGone = map[string]bool{
	"thread_not_found": true, "invalid_thread_ts": true, "message_not_found": true,
	"cannot_reply_to_message": true, "restricted_action_thread_locked": true,
	"restricted_action_non_threadable_channel": true,
}

// threadKey returns what a thread is remembered by: a digest, since the key may be
// about a person. A thread belongs to one action and one channel or person.
func threadKey(action string, r *message, target string) string {
	text, _ := json.Marshal([]string{action, target, r.Thread}) // texts always can be
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

// postInThread posts the message as a reply in its thread, or begins the thread
// with it. A message that is posted but whose thread cannot be remembered is
// sent all the same: the next one then begins another thread.
func (a *action) postInThread(ctx context.Context, token string, r *message, key string) actions.Outcome {
	end, err := a.memory.take(ctx, key)
	if err != nil {
		return actions.Outcome{
			Verdict: actions.Retry, After: afterTurn,
			Error: "another message of the same thread was being sent all the time",
		}
	}
	defer end()
	ts, found, err := a.memory.threads.Thread(ctx, key)
	if err != nil {
		return actions.Outcome{Verdict: actions.Retry, Error: "find the thread: " + err.Error()}
	}
	o, p := a.post(ctx, token, r, ts)
	if found && threadGone[p.refusal] {
		ts = ""
		o, p = a.post(ctx, token, r, "")
	}
	if root := p.root(ts); o.Verdict == actions.Done && root != "" {
		// Also when the attempt's time is over by now: the message is there.
		keeping, stop := context.WithTimeout(context.WithoutCancel(ctx), keepWithin)
		defer stop()
		_ = a.memory.threads.KeepThread(keeping, key, root, a.memory.now())
	}
	return o
}

// afterTurn is how long a message waits that did not get its turn in a thread.
const afterTurn = time.Second

// keepWithin bounds how long a thread that was begun is tried to be remembered.
const keepWithin = 2 * time.Second

// posted is what Slack says of a message.
type posted struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	Message *struct {
		ThreadTS string `json:"thread_ts"`
	} `json:"message"`
	refusal string
}

// root returns the message that the thread now begins with. Slack accepts a reply to a
// deleted message and posts it outside of any thread; that message is the new
// beginning.
func (p posted) root(ts string) string {
	if ts != "" && (p.Message == nil || p.Message.ThreadTS != "") {
		return ts
	}
	return p.TS
}

// where returns what the message can be found by. The rest of Slack's answer only
// repeats the message.
func (p posted) where() string {
	text, _ := json.Marshal(map[string]string{"channel": p.Channel, "ts": p.TS}) // texts always can be
	return string(text)
}
