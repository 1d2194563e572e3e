package receiver

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestParseTimestamp_acceptsStrictRFC3339(t *testing.T) {
	for s, want := range map[string]time.Time{
		"2026-03-02T09:30:00Z":                time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC),
		"2026-03-02T09:30:00.5Z":              time.Date(2026, 3, 2, 9, 30, 0, 5e8, time.UTC),
		"2026-03-02T09:30:00.123456789+05:30": time.Date(2026, 3, 2, 4, 0, 0, 123456789, time.UTC),
		"2026-03-02T00:30:00-23:59":           time.Date(2026, 3, 3, 0, 29, 0, 0, time.UTC),
		"2024-02-29T23:59:59+00:00":           time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC),
	} {
		if got, ok := parseTimestamp(s); !ok || got != want {
			t.Errorf("%s: got %v, %t, want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{
		"2026-03-02", "2026-03-02T09:30:00", "2026-03-02T09:30Z", "2026-03-02 09:30:00Z", "2026-03-02T9:30:00Z", "2026-03-02T09:30:00+0530",
		"2026-03-02T09:30:00+24:00", "2026-03-02T09:30:00+05:60", "2026-03-02T24:00:00Z", "2026-03-02T09:60:00Z", "2026-02-30T09:30:00Z",
		"2026-03-02T09:30:00,5Z", "2026-03-02T09:30:00.Z", "2026-03-02T09:30:00Z ", " 2026-03-02T09:30:00Z", "2026-03-02T09:30:00Z:x",
		"20260302T093000Z", "+2026-03-02T09:30:00Z", "12026-03-02T09:30:00Z", "Mon, 02 Mar 2026 09:30:00 GMT", "2026-03-02T09:30:00[UTC]",
		"2026-03-02T09:30:00." + strings.Repeat("0", 1000) + "Z", "2026-03-02T09:30:00Z\n", "２０２６-03-02T09:30:00Z",
	} {
		if got, ok := parseTimestamp(s); ok {
			t.Errorf("%q: got %v", s, got)
		}
	}
}

// The log names the form of a timestamp that is none, and nothing of it.
func TestHandler_logsTheFormOfABadTimestamp(t *testing.T) {
	for timestamp, form := range map[string]string{
		"2026-03-02 09:30:00":            "9999-99-99 99:99:99",
		"Mon, 02 Mar 2026 09:30:00 GMT":  "aaa, 99 aaa 9999 99:99:99 aaa",
		"1.7e9":                          "9.9a9",
		`a" level=ERROR msg="x`:          "a? aaaaa=aaaaa aaa=?a",
		"\u202e1":                        "???9",
		strings.Repeat("secret", 100):    strings.Repeat("a", 40) + "…",
		"2026-03-02T09:30:00+99:00\x80x": "9999-99-99a99:99:99+99:99?a",
	} {
		g := start(t, fixedKeys(t, testSecret))
		r := g.delivery(t, testSecret, testBody)
		r.Header[timestampHeader] = []string{timestamp}
		if got := do(t, r); got.Status != http.StatusForbidden || got.Body != `{"error": "Invalid signature"}` {
			t.Errorf("%q: %d %s", timestamp, got.Status, got.Body)
		}
		logs := g.logs.String()
		if !strings.Contains(logs, form) || strings.Count(logs, "\n") != 1 || strings.Contains(logs, "Mar") || strings.Contains(logs, "secretsecret") {
			t.Errorf("%q: logged %s", timestamp, logs)
		}
	}
}
