package slack

import (
	"bytes"
	"cmp"
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

// message is a recorded Request; its blocks go out as they were recorded.
type message struct {
	Request
	Blocks []json.RawMessage `json:"blocks,omitempty"`
}

// Send posts the message. Slack knows no idempotency key: a crash between
// sending and recording can show a message twice.
func (a *action) Send(ctx context.Context, m actions.Message) actions.Outcome {
	var r message
	if err := json.Unmarshal(m.Request, &r); err != nil {
		return actions.Outcome{Verdict: actions.Dead, Error: "the recorded request cannot be read: " + err.Error()}
	}
	if a.webhook.IsSet() {
		return a.postWebhook(ctx, r)
	}
	return a.postMessage(ctx, r)
}

func (a *action) postMessage(ctx context.Context, r message) actions.Outcome {
	token, err := a.token.Value()
	if err != nil {
		return actions.Outcome{Verdict: actions.Retry, Error: "token: " + err.Error()}
	}
	key := threadKey(a.name, &r, cmp.Or(r.To, r.Channel))
	if failed := a.address(ctx, token, &r); failed != nil {
		return *failed
	}
	if r.Thread != "" && a.memory.threads != nil {
		return a.postInThread(ctx, token, &r, key)
	}
	o, _ := a.post(ctx, token, &r, "")
	return o
}

// post posts the message as a reply in a thread, or without one. If Slack cannot
// fetch an image of its blocks, it posts the text alone: an alert without a
// picture is better than none.
func (a *action) post(ctx context.Context, token string, r *message, thread string) (actions.Outcome, posted) {
	o, p := a.postOnce(ctx, token, r, thread)
	if o.Verdict != actions.Dead || !strings.Contains(o.Response, imageFailed) || strings.TrimSpace(r.Text) == "" {
		return o, p
	}
	plain, p := a.postOnce(ctx, token, &message{Request: r.Request}, thread)
	if plain.Verdict == actions.Done {
		plain.Error = "sent as text, without its blocks: Slack could not fetch an image of them"
	}
	return plain, p
}

// imageFailed is what Slack adds to invalid_blocks when it cannot fetch an image.
const imageFailed = "downloading image failed"

// postOnce makes one call.
func (a *action) postOnce(ctx context.Context, token string, r *message, thread string) (actions.Outcome, posted) {
	options := []slackgo.MsgOption{slackgo.MsgOptionText(r.Text, false), slackgo.MsgOptionDisableLinkUnfurl()}
	for _, b := range r.Blocks {
		options = append(options, slackgo.MsgOptionBlocks(block{b}))
	}
	if thread != "" {
		options = append(options, slackgo.MsgOptionTS(thread))
	}
	call := &exchange{client: a.client, channel: cmp.Or(r.To, r.Channel), scope: "chat:write"}
	client := slackgo.New(token, slackgo.OptionHTTPClient(call), slackgo.OptionAPIURL(a.apiURL))
	_, _, err := client.PostMessageContext(ctx, r.Channel, options...)
	var p posted
	if refused, ok := errors.AsType[slackgo.SlackErrorResponse](err); ok {
		p.refusal = refused.Err
	}
	o := call.outcome(err, a.token.IsRenewable(), token)
	if o.Verdict == actions.Done {
		_ = json.Unmarshal(call.body, &p) // what it does not say is not known
		o.Response = p.where()
	}
	return o, p
}

// block goes out as it is: the library's own types would drop every field that
// is newer than they are.
type block struct{ json.RawMessage }

// BlockType is not asked for when a message is sent.
func (block) BlockType() slackgo.MessageBlockType { return "" }

// ID is not asked for when a message is sent.
func (block) ID() string { return "" }

// postWebhook posts without the library, whose webhook call drops the reason
// that Slack gives.
func (a *action) postWebhook(ctx context.Context, r message) actions.Outcome {
	address, err := a.webhook.Value()
	if err != nil {
		return actions.Outcome{Verdict: actions.Retry, Error: "webhook_url: " + err.Error()}
	}
	body, err := json.Marshal(struct {
		Text   string            `json:"text,omitempty"`
		Blocks []json.RawMessage `json:"blocks,omitempty"`
	}{r.Text, r.Blocks})
	if err != nil {
		return actions.Outcome{Verdict: actions.Dead, Error: "the recorded request cannot be used: " + err.Error()}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return actions.Outcome{
			Verdict: actions.Retry,
			Error:   "webhook_url: the secret is not an address; correct it and this is sent",
		}
	}
	request.Header.Set("Content-Type", "application/json")
	o := outbound.Do(a.client, request, outbound.Terms{Renewable: a.webhook.IsRenewable(), Secrets: []string{address}})
	if o.Verdict == actions.Done {
		return o
	}
	o.Error = request.URL.Host + ": " + o.Error
	if o.Response != "" && len(o.Response) < 100 {
		o.Error = fmt.Sprintf("%s (%s)", o.Error, explained(o.Response, "the webhook's channel", ""))
	}
	return o
}
