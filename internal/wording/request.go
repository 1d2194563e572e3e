package wording

import (
	"encoding/json"
	"strings"

	"heed/internal/plain"
)

// Request writes a request as people read it; one of an unknown kind
// as it is.
func Request(kind string, request json.RawMessage) []string {
	var r struct {
		Channel, Text, Level, Method, URL string
		Subject, HTML                     string
		Thread                            string
		To, Cc, Mentions                  addresses
		Body                              json.RawMessage
		Blocks                            []json.RawMessage
		Encoding                          string
	}
	if len(request) == 0 || json.Unmarshal(request, &r) != nil {
		return nil
	}
	var lines []string
	add := func(text string) {
		lines = append(lines, strings.Split(strings.TrimRight(plain.Text(text), "\n"), "\n")...)
	}
	switch kind {
	case "slack":
		if target := slackTarget(r.Channel, r.To, r.Thread); target != "" {
			add(target)
		}
		if r.Text != "" {
			add(asMentioned(r.Text, r.Mentions))
		}
		for _, block := range r.Blocks {
			add(asMentioned(blockText(block), r.Mentions))
		}
	case "http":
		add(r.Method + " " + r.URL)
		if len(r.Body) > 0 {
			add(bodyText(r.Encoding, r.Body))
		}
	case "email":
		add("to " + strings.Join(append(r.To, r.Cc...), ", ") + ": " + r.Subject)
		if r.Text != "" {
			add(r.Text)
		} else {
			add(r.HTML)
		}
	case "log":
		add(r.Level + ": " + r.Text)
	default:
		add(string(request))
	}
	return lines
}

// addresses are one address or a list of them: Slack has one recipient, an
// e-mail several.
type addresses []string

// UnmarshalJSON reads either.
func (a *addresses) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = addresses{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// slackTarget returns where a Slack message goes.
func slackTarget(channel string, to addresses, thread string) string {
	var parts []string
	if channel != "" {
		parts = append(parts, channel)
	}
	if len(to) > 0 {
		parts = append(parts, "to "+strings.Join(to, ", "))
	}
	if thread != "" {
		parts = append(parts, "in the thread "+thread)
	}
	return strings.Join(parts, ", ")
}

// asMentioned shows <@ada@example.com> as people know a mention.
func asMentioned(text string, mentions addresses) string {
	for _, address := range mentions {
		text = strings.ReplaceAll(text, "<@"+address+">", "@"+address)
	}
	return text
}

// blockText describes a Slack block by its type and texts.
func blockText(block json.RawMessage) string {
	var value any
	if json.Unmarshal(block, &value) != nil {
		return string(block)
	}
	kind := ""
	if object, ok := value.(map[string]any); ok {
		kind, _ = object["type"].(string)
	}
	return strings.TrimSpace("[" + kind + "] " + strings.Join(textsIn(value), " | "))
}

// textsIn returns the texts of a block in the order in which Slack shows them: the
// block's own, then those of its fields and elements.
func textsIn(value any) []string {
	var texts []string
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			texts = append(texts, textsIn(item)...)
		}
	case map[string]any:
		for _, key := range []string{"text", "fields", "elements", "accessory", "alt_text", "title", "url"} {
			if text, ok := v[key].(string); ok {
				texts = append(texts, text)
			} else {
				texts = append(texts, textsIn(v[key])...)
			}
		}
	}
	return texts
}

func bodyText(encoding string, body json.RawMessage) string {
	if encoding != "json" {
		var text string
		if json.Unmarshal(body, &text) == nil {
			return text
		}
	}
	return string(body)
}
