package slack

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWhatAnEventSaysIsShownAsText(t *testing.T) {
	for value, want := range map[string]string{
		// Row 27.
		"<!channel>":       "&lt;!channel&gt;",
		"<@U1>":            "&lt;@U1&gt;",
		"<http://x|y>":     "&lt;http://x|y&gt;",
		"<!subteam^S1>":    "&lt;!subteam^S1&gt;",
		"&lt;!channel&gt;": "&amp;lt;!channel&amp;gt;",
		"a & b":            "a &amp; b",
		"*bold*":           "∗bold∗",
		"_italic_":         "ˍitalicˍ",
		"~struck~":         "∼struck∼",
		"`code`":           "ˋcodeˋ",
		"```pre```":        "ˋˋˋpreˋˋˋ",
		"a *b* c":          "a ∗b∗ c",
		"(*b*)":            "(∗b∗)",
		"*a* *b*":          "∗a∗ ∗b∗",
		"_*~x~*_":          "ˍ∗∼x∼∗ˍ",
		"a* b *c":          "a∗ b ∗c",
		"**bold**":         "∗∗bold∗∗",
		"__init__":         "ˍˍinitˍˍ",
		"＊bold＊ ＿i＿ ｀c｀":   "﹡bold﹡ ⸏i⸏ ˋcˋ",
		"日本*太字*語":          "日本∗太字∗語",
		"a\n*b*\nc":        "a\n∗b∗\nc",
		"*":                "∗",
		"* item\n* item":   "∗ item\n* item",
		"5* of 5*":         "5∗ of 5∗",
		"it`s":             "itˋs",
		"> quote":          "\u00ad&gt; quote",
		"a\n  >> b > c":    "a\n  \u00ad&gt;&gt; b &gt; c",
		"＞ quote":          "\u00ad＞ quote",
		// Inside a web address they are written as it can be, or it would be another.
		"http://x/*a*":         "http://x/%2Aa%2A",
		"see https://x/_a_ _b": "see https://x/%5Fa%5F ˍb",
		"https://x/WgXc_, ok":  "https://x/WgXc%5F, ok",
		"https://x/*draft*":    "https://x/%2Adraft%2A",
		"https://x/~me/a_b?_1": "https://x/%7Eme/a_b?%5F1",

		// Harmless signs stay.
		"user_1":                   "user_1",
		"a_b_c_d":                  "a_b_c_d",
		"first_last@example.com":   "first_last@example.com",
		"müller_1 josé_2":          "müller_1 josé_2",
		"3 * 4 = 12, x ~ y, a _ b": "3 * 4 = 12, x ~ y, a _ b",
		"2*3*4":                    "2*3*4",
		":white_check_mark: done":  ":white_check_mark: done",
		"5 > 4":                    "5 &gt; 4",
		"":                         "",
		"Discovery call":           "Discovery call",
	} {
		if got := Mrkdwn(value); got != want {
			t.Errorf("%q is shown as %q, want %q", value, got, want)
		}
	}
}

func TestOrdinaryTextIsLeftByteForByte(t *testing.T) {
	ordinary := rapid.Custom(func(t *rapid.T) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(signs+quotes+"&<", r) {
				return 'x'
			}
			return r
		}, rapid.String().Draw(t, "text"))
	})
	rapid.Check(t, func(t *rapid.T) {
		if text := ordinary.Draw(t, "text"); Mrkdwn(text) != text {
			t.Fatalf("%q became %q", text, Mrkdwn(text))
		}
	})
	rapid.Check(t, func(t *rapid.T) { // ids and addresses, signs and all
		text := rapid.StringMatching(`[a-z0-9]+([_*~][A-Za-z0-9]+){0,4}(@[a-z0-9]+(\.[a-z]+){1,2})?`).Draw(t, "id")
		if Mrkdwn(text) != text {
			t.Fatalf("%q became %q", text, Mrkdwn(text))
		}
	})
}

// hostile draws values that are dense in signs.
var hostile = rapid.Custom(func(t *rapid.T) string {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{"*", "_", "~", "`", "```", "＊", "＿", "｀", ">", "＞", "&", "<", "|", " ", "\n", "\t", "a", "b1", "é", "語", ".", "(", "http://x/", "https://a.b/c_d", "<!channel>", "<@U1>", "&amp;", "\u200b", "\u00ad"}),
		rapid.String(),
	)
	return strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")
})

// formatting is how Slack finds formatted text, more generous than Slack is: a
// run opens at the edge of a word and closes at one.
var formatting = func() []*regexp.Regexp {
	var list []*regexp.Regexp
	for sign := range strings.SplitSeq(signs, "") {
		sign = regexp.QuoteMeta(sign)
		word := `\pL\p{Nd}`
		if strings.ContainsAny(sign, "`｀") {
			list = append(list, regexp.MustCompile(sign))
			continue
		}
		list = append(list, regexp.MustCompile(`(?:^|[^`+word+`])`+sign+`[^\s`+sign+`]`), regexp.MustCompile(`[^\s`+sign+`]`+sign+`(?:$|[^`+word+`])`))
	}
	return list
}()

// address is what Slack makes a link, in which signs are part of it.
var address = regexp.MustCompile(`https?://[-A-Za-z0-9._~:/?#\[\]@!$&'()+,;=%]*[A-Za-z0-9/=%#\[\]@$&+-]`)

func TestNoValueOpensOrClosesFormatting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := hostile.Draw(t, "value")
		got := Mrkdwn(value)
		rest := address.ReplaceAllString(got, "link")
		for _, f := range formatting {
			if at := f.FindString(rest); at != "" {
				t.Fatalf("%q became %q, in which %q formats", value, got, at)
			}
		}
		for line := range strings.SplitSeq(got, "\n") {
			if line = strings.TrimLeft(line, " \t"); strings.HasPrefix(line, "&gt;") || strings.HasPrefix(line, "＞") {
				t.Fatalf("%q became %q, with a quotation", value, got)
			}
		}
		if strings.ContainsAny(got, "<>") {
			t.Fatalf("%q became %q, which Slack parses", value, got)
		}
	})
}

// But for look-alikes, soft hyphens and escapes, nothing is lost or added.
func TestAValueCanStillBeRead(t *testing.T) {
	plain := strings.NewReplacer("∗", "*", "ˍ", "_", "∼", "~", "ˋ", "`", "﹡", "＊", "⸏", "＿", "｀", "`", "\u00ad", "", "%2A", "*", "%5F", "_", "%7E", "~", "%60", "`")
	rapid.Check(t, func(t *rapid.T) {
		value := hostile.Draw(t, "value")
		if got, want := plain.Replace(Mrkdwn(value)), plain.Replace(Escape(value)); got != want {
			t.Fatalf("%q became %q", value, got)
		}
	})
}

func TestMarkdownBlocksGetNoLinksFromEvents(t *testing.T) {
	if got := Markdown("[click](https://evil.example.com) *x*"); got != "[click] (https://evil.example.com) ∗x∗" {
		t.Errorf("%q", got)
	}
}

func TestALongTextIsShortenedBetweenEscapes(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"äöüß", 4, "äöüß"},
		{"äöüßx", 4, "äöü…"},
		{"a&amp;b", 4, "a…"},
		{"a&amp;b", 6, "a…"},
		{"aa&amp;bc", 8, "aa&amp;…"},
		{"a&lt;bcd", 6, "a&lt;…"},
	} {
		if got := shorten(c.text, c.limit); got != c.want {
			t.Errorf("%q to %d: %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}
