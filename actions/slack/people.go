package slack

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	slackgo "github.com/slack-go/slack"

	"heed/actions"
)

// nobody are Slack's answers when no active person has an address.
var nobody = map[string]bool{"users_not_found": true, "user_not_found": true, "user_not_visible": true}

// find finds the id of whoever has an address; empty if nobody has. If that
// cannot be found out, failed says why.
func (a *action) find(ctx context.Context, token, address string) (id string, failed *actions.Outcome) {
	who := person{workspaceOf(a.apiURL, token), strings.ToLower(address)}
	if id, ok := a.memory.recall(who); ok {
		return id, nil
	}
	call := &exchange{client: a.client, channel: address, scope: "users:read.email"}
	client := slackgo.New(token, slackgo.OptionHTTPClient(call), slackgo.OptionAPIURL(a.apiURL))
	user, err := client.GetUserByEmailContext(ctx, address)
	if refused, ok := errors.AsType[slackgo.SlackErrorResponse](err); ok && nobody[refused.Err] {
		return "", nil
	}
	o := call.outcome(err, a.token.IsRenewable(), token)
	switch {
	case o.Verdict != actions.Done:
		return "", &o
	case user.ID == "":
		return "", &actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: notSlack}
	case user.Deleted:
		return "", nil
	}
	a.memory.remember(who, user.ID)
	return user.ID, nil
}

// workspaceOf tells workspaces apart without keeping a token in memory.
func workspaceOf(apiURL, token string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(apiURL+"\x00"+token)))[:32]
}

// address turns a message's people into what Slack calls them: the channel of a
// direct message, and the mentions. failed is why it cannot be sent now.
func (a *action) address(ctx context.Context, token string, r *message) (failed *actions.Outcome) {
	if r.To != "" {
		id, failed := a.find(ctx, token, r.To)
		if failed != nil {
			return failed
		}
		if id == "" {
			return &actions.Outcome{
				Verdict: actions.Dead,
				Error: fmt.Sprintf("nobody in Slack has the address %s: correct it where it comes from, or invite the "+
					"person to Slack, then retry this delivery", r.To),
			}
		}
		r.Channel = id
	}
	if len(r.Mentions) == 0 {
		return nil
	}
	ids := map[string]string{}
	for _, address := range r.Mentions {
		if ids[address], failed = a.find(ctx, token, address); failed != nil {
			return failed
		}
	}
	if err := r.mentioning(ids); err != nil {
		return &actions.Outcome{Verdict: actions.Dead, Error: "the recorded request cannot be used: " + err.Error()}
	}
	return nil
}
