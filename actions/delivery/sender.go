package delivery

import (
	"context"
	"fmt"

	"heed/actions"
	"heed/engine/record"
)

// Sender sends deliveries through the actions that are configured now.
type Sender struct {
	// Action finds a configured action by its name.
	Action func(name string) (*actions.Configured, bool)
	// Fallback are the settings for deliveries of actions that are no longer
	// configured.
	Fallback actions.Settings
}

// Settings are the settings of an action, or the fallback.
func (s Sender) Settings(action string) actions.Settings {
	if configured, ok := s.Action(action); ok {
		return configured.Settings
	}
	return s.Fallback
}

// Deliver sends a delivery. One whose action was renamed or removed is kept
// for a later try, since the next edit may bring the action back.
func (s Sender) Deliver(ctx context.Context, d record.Delivery) actions.Outcome {
	configured, ok := s.Action(d.Action)
	switch {
	case !ok:
		return retry("no action is called %s any more; configure it again and this is sent", d.Action)
	case configured.Kind != d.Kind:
		return retry("%s was a %s action when this was rendered and is a %s action now; make it a %s action again "+
			"and this is sent",
			d.Action, d.Kind, configured.Kind, d.Kind)
	}
	return configured.Send(ctx, actions.Message{
		ID: messageID(d), Request: d.Request, Attempt: d.Attempts - d.Spent, Recipients: d.Recipients,
	})
}

func retry(format string, args ...any) actions.Outcome {
	return actions.Outcome{Verdict: actions.Retry, Error: fmt.Sprintf(format, args...)}
}

// messageID is the same for every attempt of a generation, so that the other side
// recognizes a repeat. A person's retry is a new generation, and no repeat.
func messageID(d record.Delivery) string {
	if d.Generation == 0 {
		return d.ID
	}
	return fmt.Sprintf("%s-%d", d.ID, d.Generation)
}
