package slack

import (
	"slices"
	"strings"

	"heed/actions"
	"heed/engine/document"
	"heed/engine/expression"
	"heed/engine/suggest"
)

// maxBlocks is what Slack takes in one message.
const maxBlocks = 50

func (s *step) readBlocks(p *actions.Params, node *document.Node) {
	items := node.Items()
	if !node.IsList() || len(items) == 0 || len(items) > maxBlocks {
		p.Report().Errorf(node.Place(), "wrong-type", "blocks of %s must be a list of 1 to %d blocks", p.What(),
			maxBlocks).
			Suggest(`write - type: section, and below it text: {type: mrkdwn, text: "…"}`)
		return
	}
	ids := map[string]bool{}
	for _, item := range items {
		checkBlock(p, item)
		checkUnique(p, item.Get("block_id"), ids, "message")
		s.blocks = append(s.blocks, p.JSONOf("blocks", item, s.textsOf(p)))
	}
}

// blockTypes are those that Slack takes in a message:
// https://docs.slack.dev/reference/block-kit/blocks
var blockTypes = []string{
	"section", "header", "divider", "context", "image", "actions", "markdown", "rich_text",
	"table", "video", "file", "input", "context_actions", "plan", "task_card",
}

func checkBlock(p *actions.Params, block *document.Node) {
	kind := block.Get("type")
	switch {
	case kind == nil || !kind.IsText():
		p.Report().Errorf(block.Place(), "wrong-type", "a block of %s has no type", p.What()).
			Suggest("write type: section, header, divider, context, image or actions")
		return
	case slices.Contains(elementTypes, kind.Text()) && !slices.Contains(blockTypes, kind.Text()):
		p.Report().LaterErrorf(kind.Place(), "wrong-type",
			"a %s is not a block of its own: Slack takes it inside a block", kind.Text()).
			Suggest("write type: actions, and below it elements: with this in its list")
	case !slices.Contains(blockTypes, kind.Text()) && suggest.Closest(kind.Text(), blockTypes) != "":
		p.Report().Warnf(kind.Place(), "wrong-type", "Slack has no block of the type %s", kind.Text()).
			Suggest("%s", suggest.DidYouMean(kind.Text(), blockTypes))
	}
	checkShape(p, block, "", "")
}

// fixedKeys are those of a block that an event must not choose: what it is, and
// whom it mentions.
var fixedKeys = []string{"type", "user_id", "usergroup_id", "channel_id", "range"}

// textsOf compiles each text of a block for where it stands.
func (s *step) textsOf(p *actions.Params) actions.Texts {
	return func(object *document.Node, key string, text *document.Node) *expression.Template {
		if slices.Contains(fixedKeys, key) && strings.Contains(text.Text(), "{{") {
			p.Report().Errorf(text.Place(), "template-not-allowed",
				"%s in blocks of %s is fixed: it cannot hold a template", key, p.What()).
				Suggest("%s", instead(key))
			return nil
		}
		switch kind := typeOf(object); {
		case isAddress(key):
			return s.compile(p, key+" in blocks", text, inAddress)
		case key == "text" && kind == "mrkdwn":
			return s.compile(p, "blocks", text, inMrkdwn)
		case key == "text" && kind == "markdown":
			return s.compile(p, "blocks", text, inMarkdown)
		default:
			return s.compile(p, "blocks", text, inPlain)
		}
	}
}

func instead(key string) string {
	if key == "type" {
		return "write the type itself; for several, several rules"
	}
	return "an event must not choose whom to mention: in a section with a text of the type mrkdwn write {{ " +
		"mention(data.email) }}"
}

// isAddress says whether a block's key holds a web address.
func isAddress(key string) bool { return key == "url" || strings.HasSuffix(key, "_url") }

func typeOf(object *document.Node) string {
	if kind := object.Get("type"); kind != nil {
		return kind.Text()
	}
	return ""
}
