package slack_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"heed/actions/actiontest"
	"heed/actions/slack"
)

func TestAMessageIsRendered(t *testing.T) {
	const data = `{"userId":"user_1","score":61,"maxScore":100,"quizName":"<!channel> *a* & b"}`
	for step, want := range map[string]slack.Request{
		`text: "{{ data.userId }} scored {{ data.score }} of {{ data.maxScore }} on *{{ data.quizName }}*"`: {
			Channel: "#coaching", Text: "user_1 scored 61 of 100 on *&lt;!channel&gt; ∗a∗ &amp; b*",
		},
		`{text: "<!here> {{ data.quizType }}, {{ data.passed ?? 'ungraded' }}", channel: C1}`: {Channel: "C1", Text: "<!here> n/a, ungraded"},
		`blocks:
  - type: header
    text: {type: plain_text, text: "{{ data.quizName }}"}
  - {type: divider}
  - type: section
    fields: [{type: mrkdwn, text: "*Score:* {{ data.score }} {{ data.quizName }}"}]
    accessory: {type: button, url: "https://example.com/u/{{ data.quizName }}?q={{ data.quizName }}", value: "{{ data.score }}"}
  - {type: markdown, text: "{{ data.quizName }}"}
  - {type: image, image_url: "https://example.com/a&b.png", alt_text: "{{ data.quizType }}", n: 5, b: true}
`: {Channel: "#coaching", Blocks: []any{
			map[string]any{"type": "header", "text": map[string]any{"type": "plain_text", "text": "&lt;!channel&gt; *a* &amp; b"}},
			map[string]any{"type": "divider"},
			map[string]any{
				"type": "section", "fields": []any{map[string]any{"type": "mrkdwn", "text": "*Score:* 61 &lt;!channel&gt; ∗a∗ &amp; b"}},
				"accessory": map[string]any{"type": "button", "url": "https://example.com/u/%3C%21channel%3E%20%2Aa%2A%20%26%20b?q=%3C%21channel%3E%20%2Aa%2A%20%26%20b", "value": "61"},
			},
			map[string]any{"type": "markdown", "text": "&lt;!channel&gt; ∗a∗ &amp; b"},
			map[string]any{"type": "image", "image_url": "https://example.com/a&b.png", "alt_text": "n/a", "n": 5.0, "b": true},
		}},
	} {
		c := actiontest.MustCompile(t, rule(bot, step))
		if diff := cmp.Diff(want, request(t, c.MustRender(t, data))); diff != "" {
			t.Errorf("%s: %s", step, diff)
		}
	}
}

func TestAWebhooksMessageHasNoChannelAndNoSecret(t *testing.T) {
	c := actiontest.MustCompile(t, rule(`slack: {webhook_url: {env: HOOK}}`, `text: hello`))
	if got := string(c.MustRender(t, `{}`)); got != `{"text":"hello"}` {
		t.Errorf("%s", got)
	}
}

func TestAHugeValueIsShortenedToWhatSlackTakes(t *testing.T) {
	c := actiontest.MustCompile(t, rule(bot, `
text: "{{ data.quizName }}"
blocks:
  - {type: header, text: {type: plain_text, text: "{{ data.quizName }}"}}
  - {type: section, text: {type: mrkdwn, text: "{{ data.quizName }}"}, fields: [{type: mrkdwn, text: "{{ data.quizName }}"}]}
  - {type: context, elements: [{type: mrkdwn, text: "{{ data.quizName }}"}]}`))
	data, _ := json.Marshal(map[string]string{"quizName": strings.Repeat("ä", 500_000)})
	r := request(t, c.MustRender(t, string(data)))
	text := func(value any) int { return utf8.RuneCountInString(value.(map[string]any)["text"].(string)) }
	section := r.Blocks[1].(map[string]any)
	got := []int{
		utf8.RuneCountInString(r.Text), text(r.Blocks[0].(map[string]any)["text"]), text(section["text"]),
		text(section["fields"].([]any)[0]), text(r.Blocks[2].(map[string]any)["elements"].([]any)[0]),
	}
	if diff := cmp.Diff([]int{40_000, 150, 3_000, 2_000, 3_000}, got); diff != "" {
		t.Error(diff)
	}
}
