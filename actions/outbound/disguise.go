package outbound

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// isDisguised says whether a text has one of the secrets backwards, in
// hexadecimal digits, inside base64, in other capitals or with signs in between.
func isDisguised(text string, secrets []string) bool {
	var plain string
	for _, secret := range secrets {
		if len(secret) < minPart {
			continue
		}
		if plain == "" {
			plain = skeleton(text)
		}
		if slices.ContainsFunc(disguises(secret), func(form string) bool { return strings.Contains(plain, form) }) {
			return true
		}
	}
	return false
}

// skeleton returns a text in lower case with only its letters and digits, so that a
// secret is found however it is written: %63%61 as 6361, - for + in base64. It also
// leaves out the u00 and x of escapes such as \u0063 and &#x63.
func skeleton(text string) string {
	text = escapes.Replace(strings.ToLower(text))
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
}

var escapes = strings.NewReplacer(`\u00`, "", `&#x`, "", `\x`, "")

// disguises returns the skeletons of the forms that a secret can take, except those too
// short to be distinguished from ordinary text.
func disguises(secret string) []string {
	backwards := []byte(secret)
	slices.Reverse(backwards)
	forms := []string{
		skeleton(string(backwards)),
		hex.EncodeToString([]byte(secret)), hex.EncodeToString(backwards),
	}
	if !strings.ContainsAny(secret, ":/ ") { // without its signs this would be plain words
		forms = append(forms, skeleton(secret))
	}
	for shift := range 3 { // where the secret may begin in what was encoded
		encoded := base64.StdEncoding.EncodeToString(append(make([]byte, shift), secret...))
		first := (shift*8 + 5) / 6 // characters that depend on what stands before
		last := (shift + len(secret)) * 8 / 6
		forms = append(forms, skeleton(encoded[first:last]))
	}
	return slices.DeleteFunc(forms, func(form string) bool { return len(form) < minPart })
}
