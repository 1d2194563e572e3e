package slack

import (
	"slices"
	"strings"
	"unicode/utf8"

	"heed/actions"
	"heed/engine/document"
)

// shape is what Slack wants of an object of Block Kit. It refuses the whole
// message for one object that is not so.
type shape struct {
	// needs are the keys that must be there, "a|b" standing for either.
	needs []string
	// most is how many entries the list under a key may have.
	most map[string]int
	// texts are the keys of text objects; true for those that take plain_text
	// alone.
	texts map[string]bool
	// elements are the types of what stands in elements; nil for any.
	elements []string
}

// menus and choices are elements by what people do with them, elementTypes all that
// are no blocks: https://docs.slack.dev/reference/block-kit/block-elements
var (
	menus = []string{
		"static_select", "external_select", "users_select", "conversations_select", "channels_select",
		"multi_static_select", "multi_external_select", "multi_users_select", "multi_conversations_select",
		"multi_channels_select", "overflow",
	}
	choices = []string{
		"button", "workflow_button", "checkboxes", "radio_buttons", "datepicker", "datetimepicker",
		"timepicker", "rich_text_input",
	}
	interactive  = slices.Concat(menus, choices)
	elementTypes = append([]string{"mrkdwn", "plain_text", "feedback_buttons", "icon_button", "plain_text_input"},
		interactive...)
)

// shapes are those of the objects that messages are made of, by their type:
// https://docs.slack.dev/reference/block-kit. What is not here goes out as it
// is written.
var shapes = map[string]shape{
	"section": {
		needs: []string{"text|fields"}, most: map[string]int{"fields": 10},
		texts: map[string]bool{"text": false, "fields": false},
	},
	"header": {needs: []string{"text"}, texts: map[string]bool{"text": true}},
	"context": {
		needs: []string{"elements"}, most: map[string]int{"elements": 10},
		elements: []string{"image", "mrkdwn", "plain_text"},
	},
	"image":   {needs: []string{"image_url|slack_file", "alt_text"}, texts: map[string]bool{"title": true}},
	"actions": {needs: []string{"elements"}, most: map[string]int{"elements": 25}, elements: interactive},
	"context_actions": {
		needs: []string{"elements"}, most: map[string]int{"elements": 5},
		elements: []string{"feedback_buttons", "icon_button"},
	},
	"button":        {needs: []string{"text"}, texts: map[string]bool{"text": true}},
	"overflow":      {needs: []string{"options"}, most: map[string]int{"options": 5}},
	"radio_buttons": {needs: []string{"options"}, most: map[string]int{"options": 10}},
	"checkboxes":    {needs: []string{"options"}, most: map[string]int{"options": 10}},
	"markdown":      {needs: []string{"text"}},
	"rich_text":     {needs: []string{"elements"}},
	"table":         {needs: []string{"rows"}, most: map[string]int{"rows": 100}},
	"video": {
		needs: []string{"alt_text", "title", "thumbnail_url", "video_url"},
		texts: map[string]bool{"title": true, "description": true},
	},
	"mrkdwn":     {needs: []string{"text"}},
	"plain_text": {needs: []string{"text"}},

	"static_select":       menuShape,
	"multi_static_select": menuShape,
}

// menuShape is that of a menu whose choices stand in the message.
var menuShape = shape{
	needs: []string{"options|option_groups"},
	most:  map[string]int{"options": 100, "option_groups": 100},
	texts: map[string]bool{"placeholder": true},
}

// checkShape reports what Slack would refuse in a block or in a part of one,
// which stands under a key of an object of the type owner.
func checkShape(p *actions.Params, node *document.Node, owner, key string) {
	for _, item := range node.Items() {
		checkShape(p, item, owner, key)
	}
	if !node.IsObject() {
		checkLength(p, node, owner, key)
		return
	}
	kind := typeOf(node)
	checkNeeds(p, node, kind)
	checkElements(p, node, kind)
	checkStyle(p, node, kind, key)
	for _, pair := range node.Pairs() {
		name := pair.Key.Text()
		if plain, isText := shapes[kind].texts[name]; isText {
			checkTextObjects(p, pair.Value, kind, name, plain)
		}
		if most := shapes[kind].most[name]; most > 0 && len(pair.Value.Items()) > most {
			p.Report().LaterErrorf(pair.Value.Place(), "slack-limit", "%s of the %s has %d entries; Slack takes %d",
				name, kind, len(pair.Value.Items()), most).
				Suggest("move the rest into another block of the same type")
		}
		if isTextObject(kind) && name == "text" {
			checkLength(p, pair.Value, owner, key)
		} else {
			checkShape(p, pair.Value, namedType(kind, key), name)
		}
	}
}

func checkNeeds(p *actions.Params, node *document.Node, kind string) {
	for _, need := range shapes[kind].needs {
		keys := strings.Split(need, "|")
		if !slices.ContainsFunc(keys, func(key string) bool { return node.Get(key) != nil }) {
			p.Report().LaterErrorf(node.Place(), "missing-key", "the %s in blocks of %s has no %s", kind, p.What(),
				strings.Join(keys, " and no ")).
				Suggest("%s", example(kind, keys[0]))
		}
	}
}

// checkElements reports elements that Slack does not take in a block of this type,
// and two with the same action_id.
func checkElements(p *actions.Params, node *document.Node, kind string) {
	elements := node.Get("elements")
	if elements == nil {
		return
	}
	ids := map[string]bool{}
	for _, element := range elements.Items() {
		checkUnique(p, element.Get("action_id"), ids, "block")
		takes, is := shapes[kind].elements, element.Get("type")
		known := is != nil && (slices.Contains(elementTypes, is.Text()) || slices.Contains(blockTypes, is.Text()))
		if takes != nil && known && !slices.Contains(takes, is.Text()) {
			p.Report().LaterErrorf(is.Place(), "wrong-type", "elements of the %s takes no %s", kind, is.Text()).
				Suggest("%s", elementHint(kind, is.Text()))
		}
	}
}

// elementHint says where an element belongs that does not stand right.
func elementHint(kind, element string) string {
	switch {
	case slices.Contains(interactive, element):
		return "put it into a block of the type actions"
	case kind == "actions":
		return "put it into a block of the type context or section"
	default:
		return "put it into a block of its own"
	}
}

// styles are the colours that Slack has for buttons.
var styles = []string{"primary", "danger"}

func checkStyle(p *actions.Params, node *document.Node, kind, key string) {
	style := node.Get("style")
	if style == nil || !style.IsText() || kind != "button" && kind != "workflow_button" && key != "confirm" {
		return
	}
	if !slices.Contains(styles, style.Text()) && !strings.Contains(style.Text(), "{{") {
		p.Report().LaterErrorf(style.Place(), "wrong-type", "style of the %s cannot be %s", namedType(kind, key),
			style.Text()).
			Suggest("write style: primary (green) or style: danger (red), or leave it out")
	}
}

// checkUnique reports an id that something before it has as well.
func checkUnique(p *actions.Params, id *document.Node, seen map[string]bool, within string) {
	if id == nil || strings.Contains(id.Text(), "{{") {
		return
	}
	if seen[id.Text()] {
		p.Report().LaterErrorf(id.Place(), "duplicate-key", "the id %s is given twice in one %s", id.Text(), within).
			Suggest("give each its own id, or leave it out: Slack then makes one")
	}
	seen[id.Text()] = true
}

// example shows how a key that is missing is written.
func example(kind, key string) string {
	switch {
	case key == "alt_text":
		return "write alt_text: and what the picture shows, for those who do not see it"
	case key == "elements" || key == "rows" || key == "options":
		return "write " + key + ":, and a list below it"
	case isAddress(key):
		return "write " + key + ": https://…"
	case kind == "header" || kind == "button" || kind == "video":
		return `write ` + key + `: {type: plain_text, text: "…"}`
	case kind == "section":
		return `write text: {type: mrkdwn, text: "…"}`
	default:
		return `write ` + key + `: "…"`
	}
}

// checkTextObjects reports texts that are no text objects, or of a type that
// Slack does not take there.
func checkTextObjects(p *actions.Params, node *document.Node, kind, key string, plain bool) {
	for _, text := range node.Each() {
		switch {
		case !text.IsObject():
			p.Report().Errorf(text.Place(), "wrong-type", "%s of the %s must be an object, not %s", key, kind,
				text.Describe()).
				Suggest("write %s: {type: %s, text: …}", key, textType(plain))
		case plain && typeOf(text) == "mrkdwn":
			p.Report().Errorf(text.Get("type").Place(), "wrong-type", "%s of the %s takes plain_text, not mrkdwn", key,
				kind).
				Suggest("write type: plain_text; there is no formatting, no link and no mention there")
		case !isTextObject(typeOf(text)):
			p.Report().Errorf(text.Place(), "wrong-type", "%s of the %s has no type that a text can have", key, kind).
				Suggest("write %s: {type: %s, text: …}", key, textType(plain))
		}
	}
}

func isTextObject(kind string) bool { return kind == "mrkdwn" || kind == "plain_text" }

func textType(plain bool) string {
	if plain {
		return "plain_text"
	}
	return "mrkdwn"
}

// checkLength reports a text that is longer than Slack takes as it stands. One
// that an event makes too long is shortened when it is rendered.
func checkLength(p *actions.Params, node *document.Node, owner, key string) {
	limit, length := limitOf(owner, key), utf8.RuneCountInString(node.Text())
	if node.IsScalar() && !strings.Contains(node.Text(), "{{") && length > limit {
		p.Report().Errorf(node.Place(), "slack-limit", "%s of the %s has %d characters; Slack takes %d", key, owner,
			length, limit).
			Suggest("shorten it, or spread it over several blocks")
	}
}
