package slack_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"heed/actions/actiontest"
	"heed/actions/slack"
)

func TestAValueInALinkStaysWhereItStands(t *testing.T) {
	for text, want := range map[string]string{
		`<https://a.example.com/quiz/{{ data.quizId }}|{{ data.quizName }}>`:            `<https://a.example.com/quiz/q%2F1%3E%7Cx|Discovery &gt; ∗1∗ ∣ b c>`,
		`<https://a.example.com/?q={{ data.quizId }}&n={{ data.score }}>`:               `<https://a.example.com/?q=q%2F1%3E%7Cx&n=61>`,
		`<https://a.example.com/{{ data.quizId }}/{{ data.quizId }}#{{ data.quizId }}>`: `<https://a.example.com/q%2F1%3E%7Cx/q%2F1%3E%7Cx#q%2F1%3E%7Cx>`,
		`<https://a.example.com/fixed|all of {{ data.quizName }}> {{ data.quizId }}`:    `<https://a.example.com/fixed|all of Discovery &gt; ∗1∗ ∣ b c> q/1&gt;|x`,
		`{{ data.quizId }} <mailto:{{ data.userId }}|write>`:                            `q/1&gt;|x <mailto:a%26b@example.com%3Fcc%3Dx|write>`,
		`<slack://channel?team=T1&id={{ data.userId }}|open>`:                           `<slack://channel?team=T1&id=a%26b%40example.com%3Fcc%3Dx|open>`,
		`<!here> <@U1> {{ data.quizId }}`:                                               `<!here> <@U1> q/1&gt;|x`,
		`5 > 3 {{ data.quizId }} <https://a.example.com/x>`:                             `5 > 3 q/1&gt;|x <https://a.example.com/x>`,
		`score < {{ data.score }}`:                                                      `score < 61`,
		`score &lt; {{ data.score }} -> {{ data.quizId }}`:                              `score &lt; 61 -> q/1&gt;|x`,
	} {
		raw, _ := json.Marshal(text)
		c := actiontest.MustCompile(t, rule(bot, `text: `+string(raw)))
		got := request(t, c.MustRender(t, `{"quizId":"q/1>|x","quizName":"Discovery > *1* | b\nc","score":61,"userId":"a&b@example.com?cc=x"}`))
		if got.Text != want {
			t.Errorf("%s\nis  %s\nnot %s", text, got.Text, want)
		}
	}
}

func TestAValueInALinkOfAMarkdownBlockStaysWhereItStands(t *testing.T) {
	c := actiontest.MustCompile(t, rule(bot, `blocks: [{type: markdown, text: "[{{ data.quizName }}](https://a.example.com/{{ data.quizId }}) {{ data.quizName }}"}]`))
	got := request(t, c.MustRender(t, `{"quizId":"x) [y](https://evil.example.com","quizName":"a](https://evil.example.com) [b]: https://evil.example.com [c][b]"}`))
	const want = `[a] (https://evil.example.com) [b] : https://evil.example.com [c] [b]](https://a.example.com/x%29%20%5By%5D%28https%3A%2F%2Fevil.example.com) a] (https://evil.example.com) [b] : https://evil.example.com [c] [b]`
	if text := got.Blocks[0].(map[string]any)["text"]; text != want {
		t.Errorf("%s", text)
	}
}

// message has a hole in every place in which a value can stand.
const message = `
text: "{{ data.userId }}{{ data.quizName }} <https://a.example.com/{{ data.quizName }}?{{ data.quizId }}={{ data.userId }}|{{ data.quizName }}{{ data.quizId }}>{{ mention(data.email) }}<mailto:{{ data.quizId }}>{{ mention('ada@example.com') }}"
blocks:
  - {type: section, text: {type: mrkdwn, text: "{{ data.quizName }}<https://a.example.com/{{ data.userId }}|{{ data.quizId }}{{ data.userId }}>{{ mention(data.email) }}{{ data.userId }}"}}
  - {type: context, elements: [{type: mrkdwn, text: "{{ data.quizId }}<https://a.example.com/{{ data.quizName }}>{{ data.userId }}"}]}
  - {type: header, text: {type: plain_text, text: "{{ data.userId }}"}}
  - {type: actions, elements: [{type: button, text: {type: plain_text, text: "{{ data.quizId }}"}, url: "https://a.example.com/{{ data.userId }}?{{ data.quizName }}"}]}
`

// parsed is what Slack takes for a link or a mention.
var parsed = regexp.MustCompile(`<([^<>]*)>?`)

var hostileText = rapid.Custom(func(t *rapid.T) string {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			"<!channel>", "<!here|x>", "<@U1>", "<@ada@example.com>", "<#C1>", "<!subteam^S1>", "<", ">", "|", "&", "&lt;", "lt;", ";", "!channel", "@U1", "@here",
			"javascript:alert(1)", "https://evil.example.com", "//evil.example.com", "@evil.example.com", "?", "#", "/", "..", "\\", "\n", "\r", " ", "%3C", "ada@example.com", "x@y.example", "{{", "}}", "\ue000", "\u200b", "\u202e",
		}),
		rapid.String(),
	)
	return strings.Join(rapid.SliceOfN(piece, 0, 10).Draw(t, "pieces"), "")
})

func TestNoValueLinksOrMentionsByItself(t *testing.T) {
	c := actiontest.MustCompile(t, rule(bot, message))
	rapid.Check(t, func(rt *rapid.T) {
		data, _ := json.Marshal(map[string]string{
			"userId": hostileText.Draw(rt, "userId"), "quizName": hostileText.Draw(rt, "quizName"), "quizId": hostileText.Draw(rt, "quizId"), "email": hostileText.Draw(rt, "email"),
		})
		r := request(t, c.MustRender(t, string(data)))
		texts := append(textsIn(r.Blocks), r.Text)
		for _, text := range texts {
			for _, m := range parsed.FindAllStringSubmatch(text, -1) {
				checkParsed(rt, r, text, m[1])
			}
			if strings.Contains(parsed.ReplaceAllString(text, ""), ">") {
				rt.Fatalf("%q has a > of its own", text)
			}
		}
		for _, u := range addressesIn(r.Blocks) {
			if parsed, err := url.Parse(u); err != nil || parsed.Scheme != "https" || parsed.Host != "a.example.com" || parsed.User != nil {
				rt.Fatalf("a button leads to %q", u)
			}
		}
	})
}

// checkParsed checks what stands between < and >.
func checkParsed(t *rapid.T, r slack.Request, text, inside string) {
	address, label, _ := strings.Cut(inside, "|")
	switch {
	case strings.ContainsAny(label, "|\n"):
		t.Fatalf("%q has a link with the label %q", text, label)
	case strings.HasPrefix(inside, "@"):
		// A whole value that is an address may be mentioned: the rule says so.
		if !slices.Contains(r.Mentions, inside[1:]) || strings.ContainsAny(inside[1:], "&|!<>") || !strings.Contains(inside, ".") {
			t.Fatalf("%q mentions %q", text, inside)
		}
	case strings.HasPrefix(address, "mailto:"):
		if strings.ContainsAny(address, "?&") {
			t.Fatalf("%q has the address %q", text, address)
		}
	default:
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" || u.Host != "a.example.com" || u.User != nil {
			t.Fatalf("%q leads to %q: %v", text, address, err)
		}
	}
}

func textsIn(value any) (texts []string) {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			texts = append(texts, textsIn(item)...)
		}
	case map[string]any:
		for key, item := range v {
			if key != "url" {
				texts = append(texts, textsIn(item)...)
			}
		}
	}
	return texts
}

func addressesIn(value any) (addresses []string) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			addresses = append(addresses, addressesIn(item)...)
		}
	case map[string]any:
		for key, item := range v {
			if text, isText := item.(string); isText && key == "url" {
				addresses = append(addresses, text)
			} else {
				addresses = append(addresses, addressesIn(item)...)
			}
		}
	}
	return addresses
}

// However the text is cut, no link and no mention is left open.
func TestALongTextIsCutOutsideOfLinksAndMentions(t *testing.T) {
	c := actiontest.MustCompile(t, rule(bot, `blocks: [{type: section, text: {type: mrkdwn, text: "{{ data.quizName }}{{ mention(data.email) }} <https://a.example.com/{{ data.userId }}|{{ data.userId }}> end"}}]`))
	for n := 2800; n < 3000; n++ {
		data, _ := json.Marshal(map[string]string{"quizName": strings.Repeat("x", n), "userId": "ada.lovelace@example.com", "email": "ada.lovelace@example.com"})
		r := request(t, c.MustRender(t, string(data)))
		text := r.Blocks[0].(map[string]any)["text"].(map[string]any)["text"].(string)
		if strings.Count(text, "<") != strings.Count(text, ">") || len([]rune(text)) > 3000 || (len(r.Mentions) == 1) != strings.Contains(text, "<@ada.lovelace@example.com>") {
			t.Fatalf("%d: …%s with %q", n, text[n:], r.Mentions)
		}
	}
}
