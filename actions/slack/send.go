package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	slackgo "github.com/slack-go/slack"

	"heed/actions"
	"heed/actions/outbound"
)

// Send posts the message. Slack knows no idempotency key: a crash between
// sending and recording can show a message twice.
func (a *action) Send(ctx context.Context, m actions.Message) actions.Outcome {
	var r struct {
		Request
		Blocks json.RawMessage `json:"blocks,omitempty"`
	}
	if err := json.Unmarshal(m.Request, &r); err != nil {
		return actions.Outcome{Verdict: actions.Dead, Error: "the recorded request cannot be read: " + err.Error()}
	}
	if a.webhook.IsSet() {
		return a.postWebhook(ctx, r.Text, r.Blocks)
	}
	token, err := a.token.Value()
	if err != nil {
		return actions.Outcome{Verdict: actions.Retry, Error: "token: " + err.Error()}
	}
	options := []slackgo.MsgOption{slackgo.MsgOptionText(r.Text, false), slackgo.MsgOptionDisableLinkUnfurl()}
	if len(r.Blocks) > 0 {
		var blocks slackgo.Blocks
		if err := json.Unmarshal(r.Blocks, &blocks); err != nil {
			return actions.Outcome{Verdict: actions.Dead, Error: "the blocks cannot be used: " + err.Error()}
		}
		options = append(options, slackgo.MsgOptionBlocks(blocks.BlockSet...))
	}
	client := slackgo.New(token, slackgo.OptionHTTPClient(a.client), slackgo.OptionAPIURL(a.apiURL))
	_, _, err = client.PostMessageContext(ctx, r.Channel, options...)
	return outcome(err, r.Channel, token)
}

// postWebhook posts without the library, whose webhook call drops the reason
// that Slack gives.
func (a *action) postWebhook(ctx context.Context, text string, blocks json.RawMessage) actions.Outcome {
	address, err := a.webhook.Value()
	if err != nil {
		return actions.Outcome{Verdict: actions.Retry, Error: "webhook_url: " + err.Error()}
	}
	body, err := json.Marshal(struct {
		Text   string          `json:"text,omitempty"`
		Blocks json.RawMessage `json:"blocks,omitempty"`
	}{text, blocks})
	if err != nil {
		return actions.Outcome{Verdict: actions.Dead, Error: "the recorded request cannot be used: " + err.Error()}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return actions.Outcome{Verdict: actions.Dead, Error: "webhook_url is no address"}
	}
	request.Header.Set("Content-Type", "application/json")
	o := outbound.Do(a.client, request, nil, address)
	if o.Error != "" {
		o.Error = host(address) + ": " + o.Error
		if o.Response != "" && len(o.Response) < 100 {
			o.Error += " (" + o.Response + ")"
		}
	}
	return o
}

// outcome says what a call of Slack's API came to.
func outcome(err error, channel string, secrets ...string) actions.Outcome {
	var limited *slackgo.RateLimitedError
	var status slackgo.StatusCodeError
	var refused slackgo.SlackErrorResponse
	switch {
	case err == nil:
		return actions.Outcome{Verdict: actions.Done}
	case errors.As(err, &limited):
		return actions.Outcome{Verdict: actions.Retry, Error: "Slack asks to slow down", After: limited.RetryAfter}
	case errors.As(err, &refused):
		return refusal(refused.Err, channel)
	case errors.As(err, &status):
		o := actions.Outcome{Verdict: actions.Retry, Error: "Slack answered " + status.Status}
		if status.Code < 500 && status.Code != http.StatusTooManyRequests && status.Code != http.StatusRequestTimeout {
			o.Verdict = actions.Dead
		}
		return o
	default:
		return outbound.Failed(err, secrets...)
	}
}

// temporary are Slack's errors that pass by themselves.
var temporary = map[string]bool{
	"ratelimited": true, "rate_limited": true, "internal_error": true, "fatal_error": true, "service_unavailable": true,
	"request_timeout": true, "team_added_to_org": true, "accesslimited": true, "message_limit_exceeded": true,
}

// remedies are what to do about the errors that people meet.
var remedies = map[string]string{
	"channel_not_found": "there is no channel %s that the app can see: correct the name, or invite the app to the private channel",
	"not_in_channel":    "the app is not in %s: invite it there with /invite",
	"is_archived":       "%s is archived: name another channel",
	"invalid_auth":      "the token is not valid: put a new one where the action's token is configured",
	"not_authed":        "the token is missing",
	"account_inactive":  "the token's app or user was removed from the workspace",
	"token_revoked":     "the token was revoked: install the app again and put the new token in place",
	"token_expired":     "the token has expired: put a new one in place",
	"missing_scope":     "the app lacks the scope chat:write: add it and install the app again",
	"invalid_blocks":    "Slack does not accept the blocks: check them in Slack's Block Kit Builder",
	"msg_too_long":      "the message is longer than Slack takes",
	"no_text":           "the message is empty",
}

func refusal(code, channel string) actions.Outcome {
	if temporary[code] {
		return actions.Outcome{Verdict: actions.Retry, Error: "Slack: " + code}
	}
	o := actions.Outcome{Verdict: actions.Dead, Error: "Slack: " + code}
	if remedy, ok := remedies[code]; ok {
		if strings.Contains(remedy, "%s") {
			remedy = fmt.Sprintf(remedy, channel)
		}
		o.Error += ": " + remedy
	}
	return o
}
