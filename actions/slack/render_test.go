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
    accessory: {type: button, text: {type: plain_text, text: "{{ data.userId }}"}, url: "https://example.com/u/{{ data.quizName }}?q={{ data.quizName }}", value: "{{ data.score }}"}
  - {type: markdown, text: "{{ data.quizName }}"}
  - {type: image, image_url: "https://example.com/a&b.png", alt_text: "{{ data.quizType }}", n: 5, b: true}
`: {Channel: "#coaching", Blocks: []any{
			map[string]any{"type": "header", "text": map[string]any{"type": "plain_text", "text": "&lt;!channel&gt; *a* &amp; b"}},
			map[string]any{"type": "divider"},
			map[string]any{
				"type": "section", "fields": []any{map[string]any{"type": "mrkdwn", "text": "*Score:* 61 &lt;!channel&gt; ∗a∗ &amp; b"}},
				"accessory": map[string]any{"type": "button", "text": map[string]any{"type": "plain_text", "text": "user_1"}, "url": "https://example.com/u/%3C%21channel%3E%20%2Aa%2A%20%26%20b?q=%3C%21channel%3E%20%2Aa%2A%20%26%20b", "value": "61"},
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

// everyText is a message with an event's value in every kind of text.
const everyText = `
text: "{{ data.quizName }}"
blocks:
  - {type: header, block_id: "{{ data.quizName }}", text: {type: plain_text, text: "{{ data.quizName }}"}}
  - type: section
    text: {type: mrkdwn, text: "{{ data.quizName }}"}
    fields: [{type: mrkdwn, text: "{{ data.quizName }}"}]
    accessory: {type: image, image_url: "https://example.com/{{ data.quizName }}", alt_text: "{{ data.quizName }}"}
  - {type: context, elements: [{type: mrkdwn, text: "{{ data.quizName }}"}, {type: image, image_url: "https://example.com/a", alt_text: "{{ data.quizName }}"}]}
  - {type: image, image_url: "https://example.com/a", alt_text: "{{ data.quizName }}", title: {type: plain_text, text: "{{ data.quizName }}"}}
  - type: actions
    elements:
      - type: button
        text: {type: plain_text, text: "{{ data.quizName }}"}
        url: "https://example.com/{{ data.quizName }}"
        value: "{{ data.quizName }}"
        action_id: "{{ data.quizName }}"
        confirm: {title: {type: plain_text, text: "{{ data.quizName }}"}, text: {type: mrkdwn, text: "{{ data.quizName }}"}, confirm: {type: plain_text, text: "{{ data.quizName }}"}}
      - {type: overflow, options: [{text: {type: plain_text, text: "{{ data.quizName }}"}, value: "{{ data.quizName }}"}]}
  - {type: markdown, text: "{{ data.quizName }}"}
  - {type: markdown, text: "{{ data.quizName }}"}
  - {type: rich_text, elements: [{type: rich_text_section, elements: [{type: text, text: "{{ data.quizName }}"}, {type: link, url: "https://example.com/{{ data.quizName }}", text: "{{ data.quizName }}"}]}]}
  - {type: video, title: {type: plain_text, text: "{{ data.quizName }}"}, alt_text: a, video_url: "https://example.com/v", thumbnail_url: "https://example.com/t", author_name: "{{ data.quizName }}"}
`

// sizes are the lengths of the texts in a value in characters, by their place.
func sizes(value any, place string, into map[string]int) map[string]int {
	switch v := value.(type) {
	case string:
		into[place] = utf8.RuneCountInString(v)
	case []any:
		for _, item := range v {
			sizes(item, place, into)
		}
	case map[string]any:
		for key, item := range v {
			if key != "type" {
				sizes(item, strings.TrimPrefix(place+"."+key, "."), into)
			}
		}
	}
	return into
}

func TestAHugeValueIsShortenedToWhatSlackTakes(t *testing.T) {
	c := actiontest.MustCompile(t, rule(bot, everyText))
	data, _ := json.Marshal(map[string]string{"quizName": strings.Repeat("ä", 500_000)})
	r := request(t, c.MustRender(t, string(data)))
	var got []map[string]int
	for _, block := range r.Blocks {
		got = append(got, sizes(block, "", map[string]int{}))
	}
	want := []map[string]int{
		{"block_id": 255, "text.text": 150},
		{"text.text": 3000, "fields.text": 2000, "accessory.image_url": 2999, "accessory.alt_text": 2000},
		{"elements.text": 3000, "elements.image_url": 21, "elements.alt_text": 2000},
		{"image_url": 21, "alt_text": 2000, "title.text": 2000},
		{
			"elements.text.text": 75, "elements.url": 2999, "elements.value": 2000, "elements.action_id": 255,
			"elements.confirm.title.text": 100, "elements.confirm.text.text": 300, "elements.confirm.confirm.text": 30,
			"elements.options.text.text": 75, "elements.options.value": 150,
		},
		{"text": 12000},
		{"text": 1}, // of what the first has left
		{"elements.elements.text": 3000, "elements.elements.url": 2999},
		{"title.text": 200, "alt_text": 1, "video_url": 21, "thumbnail_url": 21, "author_name": 50},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := utf8.RuneCountInString(r.Text); n != 40_000 {
		t.Errorf("the text has %d characters", n)
	}
}

// Slack refuses a message for one text that is empty.
func TestAnEmptyValueLeavesNoEmptyText(t *testing.T) {
	for _, value := range []string{"", " \n"} {
		data, _ := json.Marshal(map[string]string{"quizName": value})
		raw := string(actiontest.MustCompile(t, rule(bot, everyText)).MustRender(t, string(data)))
		for _, text := range []string{`"text":""`, `"text":" `, `"alt_text":""`, `"alt_text":" `} {
			if _, blocks, _ := strings.Cut(raw, `"blocks"`); strings.Contains(blocks, text) {
				t.Errorf("%q makes %s: %s", value, text, blocks)
			}
		}
	}
}

func TestThePersonOfADirectMessageIsRendered(t *testing.T) {
	for step, want := range map[string]string{
		`{text: a, to: "{{ data.email }}"}`:                         `{"to":"ada@example.com","text":"a"}`,
		`{text: a, to: coach@example.com}`:                          `{"to":"coach@example.com","text":"a"}`,
		`{text: a, to: "{{ data.quizId }}@sub.example.com"}`:        `{"to":"u1@sub.example.com","text":"a"}`,
		`{text: a, to: "{{ data.email }}", thread_per: data.score}`: `{"to":"ada@example.com","thread":"61","text":"a"}`,
	} {
		got := actiontest.MustCompile(t, rule(bot, step)).MustRender(t,
			`{"email":"ada@example.com","quizId":"u1","score":61}`)
		if string(got) != want {
			t.Errorf("%s is %s", step, got)
		}
	}
	c := actiontest.MustCompile(t, rule(bot, `{text: a, to: "{{ data.email }}"}`))
	for data, want := range map[string]string{
		`{}`:                        "data.email is missing",
		`{"email":null}`:            "data.email is missing",
		`{"email":""}`:              `"" is not an e-mail address`,
		`{"email":"ada"}`:           `"ada" is not an e-mail address`,
		`{"email":"ada@localhost"}`: `"ada@localhost" is not an e-mail address`,
		`{"email":"a@example.com,b@example.com"}`: "data.email holds what an e-mail address cannot",
		`{"email":"Ada <a@example.com>"}`:         "data.email holds what an e-mail address cannot",
		`{"email":"<!channel>"}`:                  "data.email holds what an e-mail address cannot",
		`{"email":"U0123456"}`:                    `"U0123456" is not an e-mail address`,
		`{"email":"#general"}`:                    `"#general" is not an e-mail address`,
	} {
		if got, err := c.Render(t, data); err == nil || err.Error() != want {
			t.Errorf("%s is %s, %v; want %s", data, got, err, want)
		}
	}
}

func TestTheKeyOfAThreadIsRendered(t *testing.T) {
	long := strings.Repeat("x", 300)
	for key, want := range map[string]string{
		`data.quizId`:               "q17",
		`data.quizId + data.userId`: "q17u1",
		`data.score`:                "61",
		`"one"`:                     "one",
		`data.quizName`:             strings.Repeat("x", 49) + "… 0d4e2ca9e9cbced7",
	} {
		c := actiontest.MustCompile(t, rule(bot, `{text: a, thread_per: '`+key+`'}`))
		got := request(t, c.MustRender(t, `{"quizId":"q17","userId":"u1","score":61,"quizName":"`+long+`"}`))
		if got.Thread != want || got.Text != "a" {
			t.Errorf("%s is %q, want %q", key, got.Thread, want)
		}
	}
	c := actiontest.MustCompile(t, rule(bot, `{text: a, thread_per: data.quizId}`))
	for _, data := range []string{`{}`, `{"quizId":""}`, `{"quizId":" "}`, `{"quizId":5}`} {
		if got := request(t, c.MustRender(t, data)); got.Thread != "" || got.Text != "a" {
			t.Errorf("%s: %+v", data, got)
		}
	}
}

func TestAMentionIsRenderedSoThatPeopleCanReadIt(t *testing.T) {
	c := actiontest.MustCompile(t, rule(bot, `
text: "{{ mention(data.email) }} scored {{ data.score }}, ask {{ mention('coach@example.com') }}"
blocks: [{type: section, text: {type: mrkdwn, text: "Hi {{ mention(data.email) }}!"}}, {type: section, fields: [{type: mrkdwn, text: "{{ mention('boss@example.com') }}"}]}]`))
	want := slack.Request{
		Channel: "#coaching", Text: "<@ada@example.com> scored 61, ask <@coach@example.com>",
		Blocks: []any{
			map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": "Hi <@ada@example.com>!"}},
			map[string]any{"type": "section", "fields": []any{map[string]any{"type": "mrkdwn", "text": "<@boss@example.com>"}}},
		},
		Mentions: []string{"ada@example.com", "coach@example.com", "boss@example.com"},
	}
	if diff := cmp.Diff(want, request(t, c.MustRender(t, `{"email":"ada@example.com","score":61}`))); diff != "" {
		t.Error(diff)
	}
	for email, want := range map[string]string{
		`null`: "n/a", `""`: "", `"<!channel>"`: "&lt;!channel&gt;", `"U1"`: "U1", `"a@b.example>|x"`: "a@b.example&gt;|x", `"a b@c.example"`: "a b@c.example",
		`"a@b@c.example"`: "a@b@c.example", `"*a*"`: "∗a∗",
	} {
		got := request(t, c.MustRender(t, `{"email":`+email+`,"score":61}`))
		if got.Text != want+" scored 61, ask <@coach@example.com>" || len(got.Mentions) != 2 {
			t.Errorf("%s is %q with %q", email, got.Text, got.Mentions)
		}
	}
}
