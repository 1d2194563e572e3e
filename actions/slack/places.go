package slack

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"heed/actions"
	"heed/engine/document"
	"heed/engine/expression"
)

// place is what Slack reads a text as.
type place int

const (
	inPlain place = iota
	inMrkdwn
	inMarkdown
	inAddress // the whole text is a web address
)

// compile compiles a text, each hole escaped for where it stands in it, and
// reports holes by which an event could link or mention as it likes.
func (s *step) compile(p *actions.Params, key string, node *document.Node, in place) *expression.Template {
	var t *expression.Template
	if in == inMrkdwn {
		t = p.MentionTemplateOf(key, node)
	} else {
		t = p.TemplateOf(key, node)
	}
	if t == nil {
		return nil
	}
	if m := mentionByHand.FindStringSubmatchIndex(node.Text()); m != nil {
		before, address := node.Text()[:m[0]], node.Text()[m[2]:m[3]]
		from := utf8.RuneCountInString(before)
		p.Report().Errorf(node.Within(from, from+utf8.RuneCountInString(address)+len("<@>")), "bad-mention",
			"%s of %s mentions %s, but Slack knows people by their ids", key, p.What(), address).
			Suggest("write {{ mention(%q) }}", address)
	}
	h := holes{step: s, params: p, key: key, node: node}
	t.EscapeEach(func(hole expression.Hole) func(string) string { return h.escape(hole, in) })
	return t
}

// mentionByHand is a mention by address that the rule's author wrote: it would
// look like what mention() makes.
var mentionByHand = regexp.MustCompile(`<@([^<>|\s]+@[^<>|\s]+)>`)

// holes chooses the escapes of one text's holes.
type holes struct {
	step   *step
	params *actions.Params
	key    string
	node   *document.Node
}

func (h *holes) escape(hole expression.Hole, in place) func(string) string {
	link, isLink := linkAround(hole, in)
	switch {
	case hole.Mention && h.step.byWebhook:
		h.report(hole, "needs-token", "mentions somebody, but an incoming webhook cannot look people up",
			"configure the action with a token, or write the address itself: {{ data.email }}")
	case hole.Mention && isLink:
		h.report(hole, "bad-mention", "has a mention inside <…>",
			"write {{ mention(data.email) }} by itself, without < and >")
	case hole.Mention:
		return h.bounded(mention)
	case in == inPlain:
		return h.bounded(Escape)
	case !isLink && in == inMarkdown:
		return h.bounded(Markdown)
	case !isLink:
		return h.bounded(Mrkdwn)
	case in == inMrkdwn && strings.Contains(link, "|"):
		return h.bounded(Label)
	case in != inAddress && link != "" && strings.ContainsAny(link[:1], "@!#"):
		h.report(hole, "bad-mention", "lets an event choose whom <"+link+"…> mentions",
			"to mention a person write {{ mention(data.email) }}")
	case in != inAddress && strings.HasPrefix(link, "mailto:"):
		return h.bounded(actions.MailAddressPart)
	case !actions.HasFixedHost(link) && in == inAddress:
		h.report(hole, "template-in-url", "lets an event choose the host",
			"write the address up to the first / after the host; templates can stand behind it")
	case !actions.HasFixedHost(link):
		h.report(hole, "template-in-url", "lets an event choose where <…> leads",
			"write the address up to the first / after the host, and templates behind it; the sign < itself is "+
				"written &lt;")
	}
	return h.bounded(actions.AddressPart)
}

func (h *holes) report(hole expression.Hole, code, what, hint string) {
	h.params.Report().Errorf(h.node.Within(hole.From, hole.To), code, "%s of %s %s", h.key, h.params.What(),
		what).
		Suggest("%s", hint)
}

// linkAround returns the text of a link or a mention in front of a hole inside it. No
// value can open or close one.
func linkAround(hole expression.Hole, in place) (link string, ok bool) {
	before := hole.Before
	switch in {
	case inPlain:
		return "", false
	case inAddress:
		return before, true
	case inMarkdown: // [label](address
		at := strings.LastIndex(before, "](")
		if at >= 0 && !strings.Contains(before[at:], ")") {
			return before[at+len("]("):], true
		}
	}
	before = before[strings.LastIndexByte(before, '>')+1:]
	at := strings.IndexByte(before, '<')
	if at < 0 || !strings.Contains(hole.After, ">") {
		return "", false
	}
	return before[at+1:], true
}

// bounded keeps a huge value from being escaped whole, only to be cut to what
// Slack takes.
func (h *holes) bounded(escape func(string) string) func(string) string {
	limit := maxMarkdown
	if h.key == "text" {
		limit = maxText
	}
	return func(value string) string {
		count := 0
		for at := range value {
			if count++; count > limit+1 {
				value = value[:at]
				break
			}
		}
		return escape(value)
	}
}
