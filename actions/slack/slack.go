// Package slack is the kind of action that posts a message to Slack, by a bot
// token or an incoming webhook.
package slack

import (
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

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
	a.readChannel(c)
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

// readChannel reads the channel that a rule's step can override.
func (a *action) readChannel(c *actions.Config) {
	node := c.Take("channel")
	if node == nil || !actions.CheckText(c.Fields, "channel", node) {
		return
	}
	if strings.Contains(node.Text(), "{{") {
		c.Report().Errorf(node.Place(), "template-not-allowed", "channel of %s is fixed: it cannot hold a template", c.What()).
			Suggest("an event must not choose where a message goes; write one rule for each channel")
	}
	checkChannel(c.Fields, node, node.Text())
	a.channel = node.Text()
}

// channelName is a channel's name, with or without #, or the id of a channel or
// a person. Slack's names have no capitals and no spaces; letters of other
// languages are fine.
var channelName = regexp.MustCompile(`^#?[\p{Ll}\p{Lo}\d_-]+$|^[CGDUW][A-Z0-9]+$`)

func checkChannel(f *source.Fields, node *source.Node, channel string) {
	if trimmed := strings.TrimSpace(channel); trimmed != "" && !channelName.MatchString(channel) && !strings.Contains(channel, "{{") {
		f.Report().Errorf(node.Place(), "bad-channel", "channel of %s is no name that a channel can have: %q", f.What(), channel).
			Suggest(`write one channel's name, such as "#enablement", or its id, such as C012345678; for several, several actions`)
	}
	if strings.TrimSpace(channel) == "" {
		f.Report().Errorf(node.Place(), "missing-key", "channel of %s is empty", f.What()).
			Suggest(`write channel: "#enablement"`)
	}
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

// What Slack takes at most, in characters: the text of a message, of a block,
// of a header block, and of one field in a block.
const (
	maxText      = 40_000
	maxBlockText = 3_000
	maxHeader    = 150
	maxField     = 2_000
)

// Step reads text, blocks and channel.
func (a *action) Step(p *actions.Params) actions.Step {
	s := &step{channel: a.channel, text: p.Template("text")}
	if node := p.Take("blocks"); node != nil {
		s.readBlocks(p, node)
	}
	s.checkText(p)
	channel, given := p.Literal("channel")
	if given {
		checkChannel(p.Fields, p.Take("channel"), channel)
	}
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

// checkText reports a message that could only be empty.
func (s *step) checkText(p *actions.Params) {
	node := p.Take("text")
	switch {
	case node == nil && p.Take("blocks") == nil:
		p.Report().Errorf(p.Node().Place(), "missing-key", "%s has no text", p.What()).
			Suggest(`write text: "{{ data.userId }} …"`)
	case s.text != nil:
		if text, literal := s.text.IsLiteral(); literal && strings.TrimSpace(text) == "" {
			p.Report().Errorf(node.Place(), "missing-key", "text of %s is empty", p.What()).
				Suggest(`write text: "{{ data.userId }} …"`)
		}
	}
}

// Render makes the message for an event.
func (s *step) Render(env *expression.Env) (any, error) {
	r := Request{Channel: s.channel}
	if s.text != nil {
		r.Text = shorten(s.text.Text(env, bounded(Mrkdwn)), maxText)
	}
	for _, block := range s.blocks {
		rendered := block.Render(env)
		fit(rendered, maxBlockText)
		r.Blocks = append(r.Blocks, rendered)
	}
	return r, nil
}

// shorten keeps a huge value from making the message one that Slack refuses.
// It does not cut an escape such as &amp; in two.
func shorten(text string, limit int) string {
	if len(text) <= limit || utf8.RuneCountInString(text) <= limit {
		return text
	}
	start := string([]rune(text)[:limit-1])
	if at := strings.LastIndexByte(start, '&'); at >= 0 && len(start)-at < len("&amp;") && !strings.Contains(start[at:], ";") {
		start = start[:at]
	}
	return start + "…"
}
