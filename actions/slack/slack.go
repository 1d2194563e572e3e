// Package slack is the kind of action that posts a message to Slack, by a bot
// token or an incoming webhook.
package slack

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"heed/actions"
	"heed/actions/outbound"
	"heed/engine/expression"
	"heed/engine/source"
)

// Kind makes slack actions.
type Kind struct{}

// Name is "slack".
func (Kind) Name() string { return "slack" }

// Defaults are the settings of a slack action. Slack takes about one message a
// second for a channel.
func (Kind) Defaults() actions.Settings {
	return actions.Settings{Retry: actions.DefaultRetry, Timeout: 15 * time.Second, Concurrency: 1}
}

type action struct {
	token   actions.Secret
	webhook actions.Secret
	channel string
	apiURL  string
	client  *http.Client
}

// Configure reads token or webhook_url, channel and api_url.
func (Kind) Configure(c *actions.Config) actions.Action {
	a := &action{client: outbound.Client(c.Settings.AllowPrivate), apiURL: slackgo.APIURL}
	a.token = c.Secret("token")
	a.webhook = c.Secret("webhook_url")
	a.channel, _ = c.Text("channel")
	report := c.Report()
	switch {
	case a.token.IsSet() && a.webhook.IsSet():
		report.Errorf(c.Take("webhook_url").Place(), "two-ways", "%s has both a token and a webhook_url", c.What()).
			Suggest("keep one of them: the token can post to any channel, the webhook to its own")
	case !a.token.IsSet() && !a.webhook.IsSet():
		report.Errorf(c.Node().Place(), "missing-key", "%s has neither a token nor a webhook_url", c.What()).
			Suggest("write token: {env: SLACK_BOT_TOKEN}")
	}
	if a.webhook.IsSet() && a.channel != "" {
		report.Errorf(c.Take("channel").Place(), "webhook-channel", "an incoming webhook always posts to the channel it was made for").
			Suggest("leave channel out, or use a token")
	}
	if text, err := a.webhook.Value(); err == nil && a.webhook.IsSet() {
		a.checkHost(c, "webhook_url", c.Take("webhook_url"), text)
	}
	if node := c.Take("api_url"); node != nil {
		if a.checkHost(c, "api_url", node, node.Text()) {
			a.apiURL = strings.TrimRight(node.Text(), "/") + "/"
		}
	}
	return a
}

func (a *action) checkHost(c *actions.Config, key string, node *source.Node, text string) bool {
	u := c.CheckURL(key, node, text)
	if u == nil {
		return false
	}
	if err := outbound.CheckHost(u.Hostname()); err != nil && !c.Settings.AllowPrivate {
		c.Report().Errorf(node.Place(), "private-address", "%s of %s: %v", key, c.What(), err).
			Suggest("add allow_private: true")
	}
	return true
}

// Request is a rendered message.
type Request struct {
	// Channel is empty for an incoming webhook, which has its own.
	Channel string `json:"channel,omitempty"`
	Text    string `json:"text,omitempty"`
	Blocks  []any  `json:"blocks,omitempty"`
}

type step struct {
	channel string
	text    *expression.Template
	blocks  []*actions.JSON
}

// maxBlocks is what Slack takes in one message, maxText the characters of a
// text.
const (
	maxBlocks = 50
	maxText   = 40_000
)

// Step reads text, blocks and channel.
func (a *action) Step(p *actions.Params) actions.Step {
	s := &step{channel: a.channel, text: p.Template("text")}
	if node := p.Take("blocks"); node != nil {
		s.readBlocks(p, node)
	}
	if p.Take("text") == nil && p.Take("blocks") == nil {
		p.Report().Errorf(p.Node().Place(), "missing-key", "%s has no text", p.What()).
			Suggest(`write text: "{{ data.userId }} …"`)
	}
	channel, given := p.Literal("channel")
	switch {
	case given && a.webhook.IsSet():
		p.Report().Errorf(p.Take("channel").Place(), "webhook-channel", "an incoming webhook always posts to the channel it was made for").
			Suggest("leave channel out, or configure the action with a token")
	case given:
		s.channel = channel
	case a.token.IsSet() && a.channel == "" && p.Take("channel") == nil:
		p.Report().Errorf(p.Node().Place(), "missing-key", "%s does not know which channel to post to", p.What()).
			Suggest(`write channel: "#enablement" here or in the action's configuration`)
	}
	return s
}

func (s *step) readBlocks(p *actions.Params, node *source.Node) {
	items := node.Items()
	if !node.IsList() || len(items) == 0 || len(items) > maxBlocks {
		p.Report().Errorf(node.Place(), "wrong-type", "blocks of %s must be a list of 1 to %d blocks", p.What(), maxBlocks).
			Suggest(`write - type: section, and below it text: {type: mrkdwn, text: "…"}`)
		return
	}
	for _, item := range items {
		if kind := item.Get("type"); kind == nil || !kind.IsText() {
			p.Report().Errorf(item.Place(), "wrong-type", "a block of %s has no type", p.What()).
				Suggest("write type: section, header, divider, context, image or actions")
		}
		s.blocks = append(s.blocks, p.JSONOf("blocks", item, Escape))
	}
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Escape writes a value so that Slack shows it as text: it can neither mention
// anybody nor link anywhere. See "Escaping text" in Slack's documentation on
// formatting.
func Escape(value string) string { return escaper.Replace(value) }

// Render makes the message for an event.
func (s *step) Render(env *expression.Env) (any, error) {
	r := Request{Channel: s.channel}
	if s.text != nil {
		r.Text = shorten(s.text.Text(env, Escape))
	}
	for _, block := range s.blocks {
		r.Blocks = append(r.Blocks, block.Render(env))
	}
	return r, nil
}

// shorten keeps a huge value from making the message one that Slack refuses.
func shorten(text string) string {
	if len(text) <= maxText {
		return text
	}
	runes := []rune(text)
	if len(runes) <= maxText {
		return text
	}
	return string(runes[:maxText-1]) + "…"
}

// host is the host of a secret address, for errors.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "slack"
	}
	return u.Host
}
