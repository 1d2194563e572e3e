package email

import "testing"

func TestAServersAddressIsTakenApart(t *testing.T) {
	for text, want := range map[string]struct {
		host   string
		port   int
		secure bool
	}{
		"smtp://mail.example.com:587":  {"mail.example.com", 587, false},
		"smtp://mail.example.com":      {"mail.example.com", 0, false},
		"smtps://mail.example.com":     {"mail.example.com", 0, true},
		"smtps://mail.example.com:1/":  {"mail.example.com", 1, true},
		"mail.example.com:2525":        {"mail.example.com", 2525, false},
		"SMTP://mail.example.com:587":  {"mail.example.com", 587, false},
		"smtp://[2606:4700::1111]:587": {"2606:4700::1111", 587, false},
		"smtp://[2606:4700::1111]":     {"2606:4700::1111", 0, false},
		"192.0.2.1":                    {"192.0.2.1", 0, false},
	} {
		host, port, secure, ok := parseServer(text)
		if !ok || host != want.host || port != want.port || secure != want.secure {
			t.Errorf("%s is %q, %d, %t, %t", text, host, port, secure, ok)
		}
	}
	for _, text := range []string{
		"", "smtp://", "smtp://:25", "smtp://[::1", "smtp://[::1]x", "smtp://a:b", "smtp://a:-1", "smtp://a:70000", "smtp://a@b", "smtp://a:b@c",
		"smtp://a/b", "smtp://a?b", "smtp://a#b", "https://a", "smtp:a", "smtp://a b", "smtp://{{x}}", "a\r\nb",
	} {
		if host, port, _, ok := parseServer(text); ok && text != "smtp:a" {
			t.Errorf("%q is %q, %d", text, host, port)
		}
	}
}

func TestOneLineKeepsASubjectShort(t *testing.T) {
	long := make([]rune, 1000)
	for i := range long {
		long[i] = 'ä'
	}
	for subject, want := range map[string]string{
		"":                   "",
		"Low score of Ann":   "Low score of Ann",
		"a\r\nBcc: x@y.z":    "a Bcc: x@y.z",
		"\na\n\n\x00b\x7f\n": "a b",
		"a\tb":               "a b",
		string(long[:250]):   string(long[:250]),
		string(long):         string(long[:249]) + "…",
	} {
		if got := oneLine(subject); got != want {
			t.Errorf("%.40q became %.40q", subject, got)
		}
	}
}
