package receiver

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"heed/engine/source"
)

// The expected values were made with another implementation:
// printf '1700000000:{"event":"x"}' | openssl dgst -sha256 -hmac secret
func TestSignIsTheHMACOfTimestampColonBody(t *testing.T) {
	for _, c := range []struct{ secret, timestamp, body, want string }{
		{"secret", "1700000000", `{"event":"x"}`, "7d57227dc6d7f39a63b8fd7d65a0d819262c85f18ea579d4f1355eaaf94cbd26"},
		{"secret", "", "", "62f4bc0da9fac94ee159d0df5bd22d18fea0f2c0bf04f9711d5fd7c5e1cfa79b"},
		{strings.Repeat("long", 40), "1700000000000", "a\nb", "cde7cf7281ba717abe40278853f9f4b555c1cdf6237ced00f4cc47bdb76d67b5"},
	} {
		if got := Sign(c.secret, c.timestamp, []byte(c.body)); got != c.want {
			t.Errorf("%q %q: got %s, want %s", c.timestamp, c.body, got, c.want)
		}
	}
}

func TestTimestampIsSecondsOrMilliseconds(t *testing.T) {
	for s, want := range map[string]time.Time{
		"1700000000":    time.Date(2023, 11, 14, 22, 13, 20, 0, time.UTC),
		"0000000000":    time.Unix(0, 0).UTC(),
		"99999999999":   time.Date(5138, 11, 16, 9, 46, 39, 0, time.UTC),
		"999999999999":  time.Date(2001, 9, 9, 1, 46, 39, 999e6, time.UTC),
		"1700000000001": time.Date(2023, 11, 14, 22, 13, 20, 1e6, time.UTC),
	} {
		if got, ok := parseTimestamp(s); !ok || got != want {
			t.Errorf("%s: got %v, %t, want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "1", "1:2", "+1", " 1", "170000000", "17000000000000", "1700000000 ", "-170000000", "17e8000000", "1700000000\n"} {
		if got, ok := parseTimestamp(s); ok {
			t.Errorf("%q: got %v", s, got)
		}
	}
}

func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{"1700000000", "1700000000000", "1:2", "+1", " 1", "17000000000000000000", "١٧٠٠٠٠٠", "2026-03-02T09:30:00.5+05:30"} {
		f.Add(s)
	}
	valid := regexp.MustCompile(`\A[0-9]{10,13}\z`)
	full := regexp.MustCompile(`\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\z`)
	f.Fuzz(func(t *testing.T, s string) {
		at, ok := parseTimestamp(s)
		if digits := valid.MatchString(s); digits && !ok || ok && !digits && !full.MatchString(s) {
			t.Errorf("%q: %t", s, ok)
		}
		if ok && at.Location() != time.UTC {
			t.Errorf("%q: %v", s, at)
		}
	})
}

func FuzzSignature(f *testing.F) {
	good := strings.Repeat("0f", 32)
	for _, s := range []string{good, strings.ToUpper(good), good[1:], good + "0", "sha256=" + good, "g" + good[1:], ""} {
		f.Add(s)
	}
	valid := regexp.MustCompile(`\A[0-9a-fA-F]{64}\z`)
	keys, err := NewKeyring(testSecret)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		mac, ok := parseSignatures(&source.MindtickleHMAC, s)
		if ok != valid.MatchString(s) {
			t.Errorf("%q: %t", s, ok)
		}
		if ok && verify(keys, "1700000000", testBody, mac) != strings.EqualFold(s, Sign(testSecret, "1700000000", testBody)) {
			t.Errorf("%q verified", s)
		}
	})
}
