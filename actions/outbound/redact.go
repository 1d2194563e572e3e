package outbound

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"heed/actions"
)

// Excerpt returns the start of a text that others wrote, as valid text with the secrets
// masked, fit for an Outcome.
func Excerpt(text []byte, secrets ...string) string {
	// Masking comes before the cut: a secret that was cut in two would not be
	// found. What is far behind it need not be masked.
	text = text[:min(len(text), maxMasked)]
	return clip(redact(strings.ToValidUTF8(string(text), "\uFFFD"), secrets))
}

// maxMasked is more than the length of an excerpt and of a secret in its longest
// form.
const maxMasked = 64 << 10

func clip(text string) string {
	if len(text) <= actions.MaxResponse {
		return text
	}
	end := actions.MaxResponse
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// redact masks secrets, in every form in which others may repeat them. A text that
// has one in a form that cannot be masked is left out.
func redact(text string, secrets []string) string {
	var all, parts []string
	for _, secret := range secrets {
		for _, part := range partsOf(secret) {
			all = append(all, spellings(part)...)
			parts = append(parts, part)
		}
	}
	// The longest first: one secret may be the start of another.
	slices.SortFunc(all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for _, form := range all {
		text = strings.ReplaceAll(text, form, actions.Masked)
	}
	if isDisguised(text, parts) {
		return leftOut
	}
	return text
}

// leftOut stands for a text that has a secret in a form that cannot be masked.
const leftOut = "(left out, since it has a secret in another form)"

// minPart is how long a part of a secret must be to be masked by itself:
// shorter ones are words like api or v1.
const minPart = 8

// partsOf returns a secret and its recognizable parts: the token of "Bearer token", the
// password in a basic authorization, the path, query and long segments of an address.
func partsOf(secret string) []string {
	if secret == "" {
		return nil
	}
	found := []string{secret}
	add := func(part string) {
		if len(part) >= minPart {
			found = append(found, part)
		}
	}
	if words := strings.Fields(secret); len(words) == 2 {
		add(words[1])
		if decoded, err := base64.StdEncoding.DecodeString(words[1]); err == nil && strings.EqualFold(words[0], "Basic") {
			_, password, _ := strings.Cut(string(decoded), ":")
			found = append(found, password)
			add(string(decoded))
		}
	}
	if u, err := url.Parse(secret); err == nil && u.Host != "" {
		add(u.RequestURI())
		add(u.Path)
		for segment := range strings.SplitSeq(u.Path, "/") {
			add(segment)
		}
		for _, values := range u.Query() {
			for _, value := range values {
				add(value)
			}
		}
		if password, ok := u.User.Password(); ok {
			found = append(found, password)
		}
	}
	return found
}

// spellings returns the ways to write a text in JSON, an address and base64.
func spellings(text string) []string {
	list := []string{text, url.QueryEscape(text), url.PathEscape(text), base64.StdEncoding.EncodeToString([]byte(text))}
	if quoted, err := json.Marshal(text); err == nil {
		list = append(list, string(quoted[1:len(quoted)-1]))
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}
