package slack

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"heed/actions"
	"heed/engine/document"
	"heed/engine/expression"
)

// Request is a rendered message.
type Request struct {
	// Channel is empty for an incoming webhook, which has its own, and for a
	// message to a person.
	Channel string `json:"channel,omitempty"`
	// To is the e-mail address of the person whom a direct message is for.
	To string `json:"to,omitempty"`
	// Thread is the key of the thread that the message belongs to.
	Thread string `json:"thread,omitempty"`
	Text   string `json:"text,omitempty"`
	Blocks []any  `json:"blocks,omitempty"`
	// Mentions are the addresses that stand as <@address> in text and blocks
	// and are replaced by people's ids when the message is sent.
	Mentions []string `json:"mentions,omitempty"`
}

func digest(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:16] }

type step struct {
	byWebhook bool
	workspace string
	channel   string
	to        *expression.Template
	thread    *expression.Value
	text      *expression.Template
	blocks    []*actions.JSON
	table     *actions.Table
}

// Step reads text, blocks, table, channel, to and thread_per.
func (a *action) Step(p *actions.Params) actions.Step {
	s := &step{channel: a.channel, byWebhook: a.webhook.IsSet(), workspace: a.workspace}
	if node := p.Take("text"); node != nil {
		s.text = s.compile(p, "text", node, inMrkdwn)
	}
	if node := p.Take("blocks"); node != nil {
		s.readBlocks(p, node)
	}
	s.table = p.Table()
	s.checkText(p)
	s.readThread(p)
	s.readTarget(p, a.token.IsSet())
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

func (s *step) readThread(p *actions.Params) {
	node := p.Take("thread_per")
	if node == nil {
		return
	}
	if !node.IsScalar() {
		p.Report().Errorf(node.Place(), "wrong-type", "thread_per of %s must be an expression, not %s", p.What(),
			node.Describe()).
			Suggest("write thread_per: data.quizId; for several values, thread_per: data.quizId + data.userId")
		return
	}
	s.thread = p.Expression("thread_per")
	if s.byWebhook {
		p.Report().Errorf(node.Place(), "needs-token",
			"an incoming webhook cannot put messages into threads: it does not learn which message it posted").
			Suggest("leave thread_per out, or configure the action with a token")
	}
}

// readTarget reads where the message goes: to a person, or a channel.
func (s *step) readTarget(p *actions.Params, hasToken bool) {
	channel, given := p.Literal("channel")
	if given {
		checkChannel(p.Fields, p.Take("channel"), channel)
	}
	to, where := p.Take("to"), p.Take("channel")
	if to != nil {
		s.to = readAddress(p, to)
	}
	switch {
	case to != nil && s.byWebhook:
		p.Report().Errorf(to.Place(), "needs-token",
			"an incoming webhook cannot send a direct message: it always posts to the channel it was made for").
			Suggest("leave to out, or configure the action with a token")
	case to != nil && where != nil:
		p.Report().Errorf(to.Place(), "two-ways", "%s has both to and channel", p.What()).
			Suggest("keep one of them: to sends a direct message; for both, write the action twice")
	case to != nil:
		s.channel = ""
	case given && s.byWebhook:
		p.Report().Errorf(where.Place(), "webhook-channel",
			"an incoming webhook always posts to the channel it was made for").
			Suggest("leave channel out, or configure the action with a token")
	case given:
		s.channel = channel
	case hasToken && s.channel == "" && where == nil:
		p.Report().Errorf(p.Node().Place(), "missing-key", "%s does not know which channel to post to", p.What()).
			Suggest(`write channel: "#enablement" here or in the action's configuration`)
	}
}

// readAddress reads the address of one person. A fixed one is checked now.
func readAddress(p *actions.Params, node *document.Node) *expression.Template {
	t := p.AddressTemplateOf("to", node)
	if t == nil {
		return nil
	}
	if text, literal := t.IsLiteral(); literal && !isPlainAddress(text) {
		hint := "write one e-mail address, such as coach@example.com; a channel is written channel:"
		if strings.HasPrefix(text, "data.") {
			hint = fmt.Sprintf("write %q", "{{ "+text+" }}")
		}
		p.Report().Errorf(node.Place(), "bad-address", "to of %s: %q is not an e-mail address", p.What(), text).
			Suggest("%s",
				hint)
	} else if strings.ContainsAny(t.Literals(), ",; ") {
		p.Report().Errorf(node.Place(), "bad-address", "to of %s holds several addresses in one text", p.What()).
			Suggest("write the action once for each person")
	}
	return t
}

// withTable puts the table below the text, in a block of code, and leaves out
// what Slack would cut off.
func (s *step) withTable(text string, env *expression.Env) string {
	const open, end = "\n```\n", "\n```"
	table := s.table.Text(env, func(cell string) string { return Mrkdwn(strings.ReplaceAll(cell, "`", "'")) })
	room := maxText - len([]rune(text)) - len(open) - len(end)
	return text + open + shorten(strings.TrimRight(table, "\n"), max(room, 1)) + end
}

// Render makes the message for an event. It is an error if the person is missing or
// has no valid address.
func (s *step) Render(env *expression.Env) (any, error) {
	r := Request{Channel: s.channel}
	if s.to != nil {
		var err error
		if r.To, err = recipient(env, s.to); err != nil {
			return nil, err
		}
	}
	if s.thread != nil {
		r.Thread = threadText(env, s.thread)
	}
	if s.text != nil {
		r.Text = shorten(s.text.Text(env, Mrkdwn), maxText)
	}
	if s.table != nil {
		r.Text = s.withTable(r.Text, env)
	}
	r.Mentions = mentionsIn(r.Text, nil)
	f := fitter{markdown: maxMarkdown}
	for _, block := range s.blocks {
		rendered := block.Render(env)
		f.fit(rendered, "", "")
		r.Blocks = append(r.Blocks, rendered)
		r.Mentions = mentionsIn(rendered, r.Mentions)
	}
	return r, nil
}

// Destination returns the channel or person of the workspace, to which Slack's limits
// apply whichever action posts there.
func (s *step) Destination(request any) string {
	r, ok := request.(Request)
	if !ok || s.workspace == "" {
		return ""
	}
	target := strings.TrimPrefix(r.Channel, "#")
	if r.To != "" {
		target = "person " + digest(strings.ToLower(r.To))
	}
	return "slack " + s.workspace[:8] + " " + target
}

// recipient renders exactly one person's address.
func recipient(env *expression.Env, t *expression.Template) (string, error) {
	text, err := t.Strict(env, func(value string) (string, error) {
		if value = strings.TrimSpace(value); strings.ContainsAny(value, ",; \r\n\t<>") {
			return "", errors.New("holds what an e-mail address cannot")
		}
		return value, nil
	})
	if err != nil {
		return "", err
	}
	if !isPlainAddress(text) {
		return "", fmt.Errorf("%q is not an e-mail address", shorten(text, maxAddress))
	}
	return text, nil
}

// maxThread is how long a thread's key is recorded as it is.
const maxThread = 200

// threadText returns the key of a thread as text; empty if the event has none, since
// the message matters more than its place.
func threadText(env *expression.Env, key *expression.Value) string {
	value, unknown := key.Eval(env)
	if unknown != nil {
		return ""
	}
	text := strings.TrimSpace(expression.Text(value))
	if len(text) <= maxThread {
		return text
	}
	return shorten(text, maxThread/4) + " " + digest(text)
}
