package plain

import "testing"

func TestCell_isNoFormula(t *testing.T) {
	for cell, want := range map[string]string{
		"":                   "",
		"rep, senior":        "rep, senior",
		"=1+1":               "'=1+1",
		"-1":                 "-1",
		"-a":                 "'-a",
		"＝1":                 "'＝1",
		"x;=HYPERLINK(1)":    "x;'=HYPERLINK(1)",
		"x; \"=1\"":          "x; \"'=1\"",
		"a\t@b":              "a\t'@b",
		"a-b; c=d":           "a-b; c=d",
		"\x1b]0;pwned\a":     "·]0;pwned·",
		"maya@example.com":   "maya@example.com",
		"two\nlines\r\nmore": "two\nlines·\nmore",
	} {
		if got := Cell(cell); got != want {
			t.Errorf("%q is written as %q, want %q", cell, got, want)
		}
	}
}
