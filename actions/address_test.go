package actions_test

import (
	"testing"

	"heed/actions"
)

func TestAddressPart_staysOnePart(t *testing.T) {
	for value, want := range map[string]string{
		"a b/../c?d=e&f#g+ä": "a%20b%2F..%2Fc%3Fd%3De%26f%23g%2B%C3%A4",
		"..":                 "",
		".":                  "",
		"":                   "",
		"...a":               "...a",
	} {
		if got := actions.AddressPart(value); got != want {
			t.Errorf("%q becomes %q, want %q", value, got, want)
		}
	}
	if got := actions.MailAddressPart("ada+x@example.com"); got != "ada%2Bx@example.com" {
		t.Errorf("%q", got)
	}
}

func TestHasFixedHost(t *testing.T) {
	for start, want := range map[string]bool{
		"https://example.com/": true, "https://example.com/a?b=": true, "https://example.com?q=": true,
		"": false, "https://": false, "https://example.com": false, "https://a.": false, "/path/": false, "javascript:": false,
	} {
		if got := actions.HasFixedHost(start); got != want {
			t.Errorf("%q: %t, want %t", start, got, want)
		}
	}
}
