package plain

import (
	"errors"
	"testing"
)

func TestLine_isOneLineWithoutControls(t *testing.T) {
	for text, want := range map[string]string{
		"a\n  b\tc ": "a b c", "a\x1b[2Jb": "a·[2Jb", "a\u202egnp.exe": "a·gnp.exe", "a\u0085b": "a·b", "日本": "日本", "": "",
	} {
		if got := Line(text); got != want {
			t.Errorf("Line(%q) = %q, want %q", text, got, want)
		}
	}
	if got := Text("a\n\tb\r"); got != "a\n\tb·" {
		t.Errorf("Text gives %q", got)
	}
}

func TestPanic_showsWhatTheRuntimeSaysAlone(t *testing.T) {
	for _, c := range []struct {
		cause any
		want  string
	}{
		{"secret", "string"},
		{errors.New("secret"), "*errors.errorString"},
		{fault(), "runtime error: index out of range [0] with length 0"},
	} {
		if got := Panic(c.cause); got != c.want {
			t.Errorf("%v: %s, want %s", c.cause, got, c.want)
		}
	}
}

func fault() (cause any) {
	defer func() { cause = recover() }()
	var none []int
	return none[0]
}

func TestCut_countsCharacters(t *testing.T) {
	for text, want := range map[string]string{"日本語です": "日本…", "日本語": "日本語", "": ""} {
		if got := Cut(text, 3); got != want {
			t.Errorf("Cut(%q, 3) = %q, want %q", text, got, want)
		}
	}
}

func TestCount_addsAnSUnlessItIsOne(t *testing.T) {
	if got := Count(1, "rule") + Count(0, "rule") + Count(2, "rule"); got != "1 rule0 rules2 rules" {
		t.Error(got)
	}
}

func TestCellsOfSpreadsheetsAreNoFormulas(t *testing.T) {
	for cell, want := range map[string]string{
		"":                   "",
		"rep, senior":        "rep, senior",
		"=1+1":               "'=1+1",
		" =1":                "' =1",
		"\t=1":               "'\t'=1",
		"\n=1":               "'\n'=1",
		"\r=1":               "·=1",
		"\"=1\"":             "'\"=1\"",
		"two lines\n=1":      "two lines\n'=1",
		"-1":                 "-1",
		"-1.5e3":             "-1.5e3",
		"-1+1":               "'-1+1",
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
