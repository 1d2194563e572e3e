package slack

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A mention is rendered as <@ada@example.com>: people can read it in a dry run
// or a recorded request, and no event can write it, since < and > are escaped
// in every value. When the message is sent, the address is replaced by the
// person's id, or shown as text if nobody has it.

// plainAddress is an e-mail address as people have them: without a name, quotes
// or comments, and without any sign that means something to Slack inside <…>.
var plainAddress = regexp.MustCompile(`^[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)+$`)

// maxAddress is the longest e-mail address there is.
const maxAddress = 254

func isPlainAddress(text string) bool {
	return len(text) <= maxAddress && plainAddress.MatchString(text)
}

// mention writes a mention of whoever has the address; what is not an address is
// shown as text.
func mention(value string) string {
	address := strings.TrimSpace(value)
	if !isPlainAddress(address) {
		return Mrkdwn(value)
	}
	return "<@" + address + ">"
}

var mentioned = regexp.MustCompile(`<@([^<>|\s@]+@[^<>|\s@]+)>`)

// mentionsIn adds the addresses of the mentions in a rendered value.
func mentionsIn(value any, addresses []string) []string {
	switch v := value.(type) {
	case string:
		for _, m := range mentioned.FindAllStringSubmatch(v, -1) {
			if !slices.Contains(addresses, m[1]) {
				addresses = append(addresses, m[1])
			}
		}
	case []any:
		for _, item := range v {
			addresses = mentionsIn(item, addresses)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			addresses = mentionsIn(v[key], addresses)
		}
	}
	return addresses
}

// mentioning replaces the mentions in a recorded message by people's ids. ids
// has an empty one for an address that nobody has.
func (r *message) mentioning(ids map[string]string) error {
	var pairs []string
	for address, id := range ids {
		shown := "<@" + id + ">"
		if id == "" {
			shown = Mrkdwn(address)
		}
		pairs = append(pairs, "<@"+address+">", shown)
	}
	replacer := strings.NewReplacer(pairs...)
	r.Text = replacer.Replace(r.Text)
	for i, block := range r.Blocks {
		var value any
		decoder := json.NewDecoder(bytes.NewReader(block))
		decoder.UseNumber()
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		var err error
		if r.Blocks[i], err = json.Marshal(replaced(value, replacer)); err != nil {
			return err
		}
	}
	return nil
}

func replaced(value any, replacer *strings.Replacer) any {
	switch v := value.(type) {
	case string:
		return replacer.Replace(v)
	case []any:
		for i, item := range v {
			v[i] = replaced(item, replacer)
		}
	case map[string]any:
		for key, item := range v {
			v[key] = replaced(item, replacer)
		}
	}
	return value
}
