// Package slack is the kind of action that posts a message to Slack, by a bot
// token or an incoming webhook.
package slack

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"heed/actions"
	"heed/actions/outbound"
	"heed/engine/document"
)

// Kind makes slack actions.
type Kind struct {
	// Memory is what they share; nil for a kind that only checks and renders.
	Memory *Memory
}

// Name returns "slack".
func (Kind) Name() string { return "slack" }

// Defaults returns the settings of a slack action. Slack takes about one message a
// second for a channel; the rate holds for each channel, and the concurrency lets other
// channels continue while one answers.
func (Kind) Defaults() actions.Settings {
	return actions.Settings{
		Retry: actions.DefaultRetry, Timeout: 15 * time.Second, Concurrency: 4, Rate: 1, RatePer: time.Second,
	}
}

type action struct {
	name    string
	memory  *Memory
	token   actions.Secret
	webhook actions.Secret
	channel string
	apiURL  string
	client  *http.Client
	// workspace tells apart, without the secret, what messages are sent by;
	// empty if that is not known.
	workspace string
}

// Configure reads token or webhook_url, channel and api_url.
func (k Kind) Configure(c *actions.Config) actions.Action {
	a := &action{
		name: c.Name, memory: k.Memory, client: outbound.Client(c.Settings.AllowPrivate),
		apiURL: slackgo.APIURL,
	}
	if a.memory == nil {
		a.memory = NewMemory(nil, time.Now)
	}
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
		report.Errorf(c.Take("channel").Place(), "webhook-channel",
			"an incoming webhook always posts to the channel it was made for").
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
	for _, secret := range []actions.Secret{a.token, a.webhook} {
		if value, err := secret.Value(); err == nil {
			a.workspace = workspaceOf(a.apiURL, value)
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
		c.Report().Errorf(node.Place(), "template-not-allowed", "channel of %s is fixed: it cannot hold a template",
			c.What()).
			Suggest("an event must not choose where a message goes; write one rule for each channel")
	}
	checkChannel(c.Fields, node, node.Text())
	a.channel = node.Text()
}

// channelName is a channel's name, with or without #, or the id of a channel or
// a person. Slack's names have no capitals and no spaces; letters of other
// languages are fine.
var channelName = regexp.MustCompile(`^#?[\p{Ll}\p{Lo}\d_-]+$|^[CGDUW][A-Z0-9]+$`)

func checkChannel(f *document.Fields, node *document.Node, channel string) {
	if trimmed := strings.TrimSpace(channel); trimmed != "" && !channelName.MatchString(channel) &&
		!strings.Contains(channel, "{{") {
		f.Report().Errorf(node.Place(), "bad-channel", "channel of %s is not a name that a channel can have: %q",
			f.What(), channel).
			Suggest(`write one channel's name, such as "#enablement", or its id, such as C012345678; for several, ` +
				`several actions`)
	}
	if strings.TrimSpace(channel) == "" {
		f.Report().Errorf(node.Place(), "missing-key", "channel of %s is empty", f.What()).
			Suggest(`write channel: "#enablement"`)
	}
}

func (a *action) checkHost(c *actions.Config, key string, node *document.Node, text string) bool {
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
