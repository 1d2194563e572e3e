package admin

import "testing"

func TestCauseOf_leavesOutWhatDiffers(t *testing.T) {
	for text, want := range map[string]string{
		"the endpoint answered 404 Not Found: no such user u-5013": "the endpoint answered 404 Not Found: no such user …",
		`answered 422: "Maya Iyer" (id 9f3c11aa) is no rep`:        "answered 422: … (id …) is no rep",
		"550 5.1.1 <maya@example.com>: no such mailbox":            "550 … …: no such mailbox",
		"Slack: channel_not_found":                                 "Slack: channel_not_found",
		"dial tcp 10.0.0.7:443: connect: connection refused":       "dial tcp …: connect: connection refused",
		"it doesn't answer":                                        "it doesn't answer",
		"":                                                         "no reason was recorded",
		"'unterminated quote goes on":                              "…",
	} {
		if got := causeOf(text); got != want {
			t.Errorf("causeOf(%q) = %q, want %q", text, got, want)
		}
	}
}
