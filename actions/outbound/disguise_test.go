package outbound

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestExcerpt_leavesOutWhatHasASecretInAnotherForm is row 14 of the attacks: secrets
// that an endpoint echoes in hexadecimal or backwards.
func TestExcerpt_leavesOutWhatHasASecretInAnotherForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[a-zA-Z0-9]{8,40}`).Draw(t, "secret")
		prefix := rapid.StringMatching(`[a-z]{0,4}`).Draw(t, "prefix")
		backwards := []byte(secret)
		slices.Reverse(backwards)
		var percent, unicode, spaced strings.Builder
		for _, b := range []byte(secret) {
			fmt.Fprintf(&percent, "%%%02X", b)
			fmt.Fprintf(&unicode, "\\u%04x", b)
			fmt.Fprintf(&spaced, "%02x:", b)
		}
		for name, form := range map[string]string{
			"backwards": string(backwards),
			"hex":       hex.EncodeToString([]byte(secret)),
			"HEX":       strings.ToUpper(hex.EncodeToString([]byte(secret))),
			"percent":   percent.String(),
			"unicode":   unicode.String(),
			"colons":    spaced.String(),
			"base64":    base64.StdEncoding.EncodeToString([]byte(prefix + secret + "tail")),
			"base64url": base64.RawURLEncoding.EncodeToString([]byte(prefix + secret + "tail")),
			"capitals":  strings.ToUpper(secret),
			"lower":     strings.ToLower(secret),
			"spelled":   strings.Join(strings.Split(secret, ""), " "),
			"query":     "a=" + url.QueryEscape(secret),
		} {
			got := Excerpt([]byte("answer: "+form+" end"), "Bearer "+secret)
			if got != leftOut && !strings.Contains(got, "***") {
				t.Errorf("%s of %s is shown: %s", name, secret, got)
			}
		}
	})
	for _, harmless := range []string{"not found", "no such user u-1042", "the course Selling with stories does not exist"} {
		if got := Excerpt([]byte(harmless), "Bearer canary-token-0123", "https://h.example.com/x"); got != harmless {
			t.Errorf("%q is shown as %q", harmless, got)
		}
	}
}
