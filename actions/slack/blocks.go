package slack

import (
	"net/url"
	"slices"
	"strings"

	"heed/actions"
	"heed/engine/source"
	"heed/engine/suggest"
)

// maxBlocks is what Slack takes in one message.
const maxBlocks = 50

func (s *step) readBlocks(p *actions.Params, node *source.Node) {
	items := node.Items()
	if !node.IsList() || len(items) == 0 || len(items) > maxBlocks {
		p.Report().Errorf(node.Place(), "wrong-type", "blocks of %s must be a list of 1 to %d blocks", p.What(), maxBlocks).
			Suggest(`write - type: section, and below it text: {type: mrkdwn, text: "…"}`)
		return
	}
	for _, item := range items {
		checkBlock(p, item)
		checkAddresses(p, item)
		s.blocks = append(s.blocks, p.JSONOf("blocks", item, escapes))
	}
}

// blockTypes are those that Slack takes in a message:
// https://docs.slack.dev/reference/block-kit/blocks
var blockTypes = []string{"section", "header", "divider", "context", "image", "actions", "markdown", "rich_text", "table", "video", "file", "input", "context_actions", "plan", "task_card"}

func checkBlock(p *actions.Params, block *source.Node) {
	kind := block.Get("type")
	switch {
	case kind == nil || !kind.IsText():
		p.Report().Errorf(block.Place(), "wrong-type", "a block of %s has no type", p.What()).
			Suggest("write type: section, header, divider, context, image or actions")
		return
	case !slices.Contains(blockTypes, kind.Text()) && suggest.Closest(kind.Text(), blockTypes) != "":
		p.Report().Warnf(kind.Place(), "wrong-type", "Slack has no block of the type %s", kind.Text()).
			Suggest("%s", suggest.DidYouMean(kind.Text(), blockTypes))
	}
	if text := block.Get("text"); text != nil && text.IsText() && (kind.Text() == "section" || kind.Text() == "header") {
		p.Report().Errorf(text.Place(), "wrong-type", "text of a %s block must be an object, not a text", kind.Text()).
			Suggest(`write text: {type: mrkdwn, text: "…"}; in a header plain_text`)
	}
}

// escapes chooses how a value is escaped in a block.
func escapes(object *source.Node, key string) func(string) string {
	kind := ""
	if node := object.Get("type"); node != nil {
		kind = node.Text()
	}
	switch {
	case isAddress(key):
		return bounded(AddressPart)
	case key == "text" && kind == "mrkdwn":
		return bounded(Mrkdwn)
	case key == "text" && kind == "markdown":
		return bounded(Markdown)
	default:
		return bounded(Escape)
	}
}

// bounded keeps a huge value from being escaped whole, only to be cut to what
// Slack takes.
func bounded(escape func(string) string) func(string) string {
	return func(value string) string {
		count := 0
		for at := range value {
			if count++; count > maxText+1 {
				value = value[:at]
				break
			}
		}
		return escape(value)
	}
}

// isAddress says whether a block's key holds a web address.
func isAddress(key string) bool { return key == "url" || strings.HasSuffix(key, "_url") }

// checkAddresses reports addresses whose host could be chosen by an event.
func checkAddresses(p *actions.Params, node *source.Node) {
	for _, item := range node.Items() {
		checkAddresses(p, item)
	}
	for _, pair := range node.Pairs() {
		fixed, _, isTemplate := strings.Cut(pair.Value.Text(), "{{")
		if !isAddress(pair.Key.Text()) || !isTemplate {
			checkAddresses(p, pair.Value)
			continue
		}
		if u, err := url.Parse(fixed); err != nil || u.Hostname() == "" || u.Path == "" && u.RawQuery == "" && !u.ForceQuery {
			p.Report().Errorf(pair.Value.Place(), "template-in-url", "%s in blocks of %s lets an event choose the host", pair.Key.Text(), p.What()).
				Suggest("write the address up to the first / after the host; templates can stand behind it")
		}
	}
}

// fit shortens the texts of a rendered block to what Slack takes, since it
// refuses the whole message for one that is too long. limit is for the texts
// right in value.
func fit(value any, limit int) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			fit(item, limit)
		}
	case map[string]any:
		if v["type"] == "header" {
			limit = maxHeader
		}
		for key, child := range v {
			switch text, isText := child.(string); {
			case isText && key == "text":
				v[key] = shorten(text, limit)
			case key == "fields":
				fit(child, maxField)
			default:
				fit(child, limit)
			}
		}
	}
}
