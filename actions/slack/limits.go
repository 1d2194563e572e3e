package slack

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// What Slack takes at most, in characters: the text of a message, any text of a
// block that has no limit of its own, and all markdown blocks of a message.
const (
	maxText      = 40_000
	maxBlockText = 3_000
	maxMarkdown  = 12_000
)

// limits are those of the texts in blocks, by the type of the object and the
// key that a text, or its text object, stands under. An object without a type
// goes by the key that it stands under itself; "" is any type.
var limits = map[string]int{
	"header.text":          150,
	"section.fields":       2_000,
	"button.text":          75,
	"button.value":         2_000,
	"image.title":          2_000,
	"video.title":          200,
	"video.description":    200,
	"video.author_name":    50,
	"markdown.text":        maxMarkdown,
	"confirm.title":        100,
	"confirm.text":         300,
	"confirm.confirm":      30,
	"confirm.deny":         30,
	"options.text":         75,
	"options.description":  75,
	"options.value":        150,
	"input.label":          2_000,
	"input.hint":           2_000,
	".placeholder":         150,
	".alt_text":            2_000,
	".accessibility_label": 75,
	".action_id":           255,
	".block_id":            255,
}

func limitOf(kind, key string) int {
	for _, place := range []string{kind + "." + key, "." + key} {
		if limit, ok := limits[place]; ok {
			return limit
		}
	}
	return maxBlockText
}

// namedType returns an object's type or, if it has none, the key under which it stands.
func namedType(kind, key string) string {
	if kind == "" {
		return key
	}
	return kind
}

// fitter makes the blocks of one message fit, since Slack refuses the whole
// message for one text that is too long, or empty.
type fitter struct {
	markdown int // what markdown blocks may still take
}

// fit fits the texts in a value that stands under a key of an object of the
// type owner.
func (f *fitter) fit(value any, owner, key string) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			f.fit(item, owner, key)
		}
	case map[string]any:
		kind, _ := v["type"].(string)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			child := v[name]
			text, isText := child.(string)
			switch {
			case isText && isTextObject(kind) && name == "text":
				v[name] = orDash(f.fitted(text, owner, key))
			case isText && (name == "text" || name == "alt_text"):
				v[name] = orDash(f.fitted(text, namedType(kind, key), name))
			case isText:
				v[name] = f.fitted(text, namedType(kind, key), name)
			default:
				f.fit(child, namedType(kind, key), name)
			}
		}
	}
}

func (f *fitter) fitted(text, owner, key string) string {
	switch {
	case isAddress(key):
		return cutAddress(text, limitOf(owner, key))
	case owner == "markdown" && key == "text":
		text = shorten(text, max(1, f.markdown))
		f.markdown -= utf8.RuneCountInString(text)
		return text
	default:
		return shorten(text, limitOf(owner, key))
	}
}

// orDash shows a dash for a text that is empty.
func orDash(text string) string {
	if strings.TrimSpace(text) == "" {
		return "–"
	}
	return text
}

// cutAddress keeps an address that is too long from being refused, and does not
// cut an escape such as %C3 in two. Where it leads then is for the other side to
// say.
func cutAddress(address string, limit int) string {
	if utf8.RuneCountInString(address) <= limit {
		return address
	}
	address = string([]rune(address)[:limit])
	if at := strings.LastIndexByte(address, '%'); at > len(address)-len("%C3") {
		address = address[:at]
	}
	return address
}

// maxLink bounds how far back shorten looks for the start of a link.
const maxLink = 4 << 10

// shorten keeps a huge value from making the message one that Slack refuses.
// It cuts neither an escape such as &amp; in two nor a link or a mention.
func shorten(text string, limit int) string {
	if len(text) <= limit || utf8.RuneCountInString(text) <= limit {
		return text
	}
	start := string([]rune(text)[:limit-1])
	if at := strings.LastIndexByte(start, '&'); at >= 0 && len(start)-at < len("&amp;") &&
		!strings.Contains(start[at:], ";") {
		start = start[:at]
	}
	if at := strings.LastIndexByte(start, '<'); at >= 0 && len(start)-at < maxLink &&
		!strings.Contains(start[at:], ">") && strings.Contains(text[at:], ">") {
		start = start[:at]
	}
	return start + "…"
}
