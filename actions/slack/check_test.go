package slack_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/actions/actiontest"
)

func TestEachMistakeIsReportedAtItsPlace(t *testing.T) {
	const hook = `slack: {webhook_url: {env: HOOK}}`
	for name, c := range map[string]struct{ config, step, want string }{
		"nothing":                  {`slack: {}`, ``, `config:1:8: error: the slack action act has neither a token nor a webhook_url [missing-key] (write token: {env: SLACK_BOT_TOKEN})`},
		"both":                     {"slack:\n  token: {env: TOKEN}\n  webhook_url: {env: HOOK}", ``, `config:3:16: error: the slack action act has both a token and a webhook_url [two-ways] (keep one of them: the token can post to any channel, the webhook to its own)`},
		"plain token":              {`slack: {token: xoxb-1, channel: "#a"}`, ``, `config:1:16: warning: token of the slack action act stands in the rule file as plain text [plain-secret] (write token: {env: NAME} or {file: PATH})`},
		"plain webhook":            {`slack: {webhook_url: "https://hooks.slack.com/x"}`, ``, `config:1:22: warning: webhook_url of the slack action act stands in the rule file as plain text [plain-secret] (write webhook_url: {env: NAME} or {file: PATH})`},
		"no such variable":         {`slack: {token: {env: UNSET}}`, ``, `config:1:16: error: token of the slack action act: the environment variable UNSET is not set [missing-env] (set UNSET where heed runs)`},
		"channel of a hook":        {`slack: {webhook_url: {env: HOOK}, channel: "#a"}`, ``, `config:1:44: error: an incoming webhook always posts to the channel it was made for [webhook-channel] (leave channel out, or use a token)`},
		"webhook no address":       {`slack: {webhook_url: {env: TOKEN}}`, ``, `config:1:22: error: webhook_url of the slack action act is not an absolute address [bad-url] (write https://host/path)`},
		"api_url no address":       {`slack: {token: {env: TOKEN}, api_url: slack.com/api}`, ``, `config:1:39: error: api_url of the slack action act is not an absolute address [bad-url] (write https://slack.com/api)`},
		"api_url loopback":         {`slack: {token: {env: TOKEN}, api_url: "http://127.0.0.1/api"}`, ``, `config:1:39: error: api_url of the slack action act: 127.0.0.1 is a loopback, link-local or private address; set allow_private: true for the action if it really lives there [private-address] (add allow_private: true)`},
		"channel a comment":        {"slack:\n  channel: #coaching\n  token: {env: TOKEN}", ``, `config:2:11: error: YAML takes "#coaching" for a comment, so channel of the slack action act is empty [yaml-comment] (put quotes round it: "#coaching")`},
		"channel a template":       {`slack: {token: {env: TOKEN}, channel: "{{ data.userId }}"}`, ``, `config:1:39: error: channel of the slack action act is fixed: it cannot hold a template [template-not-allowed] (an event must not choose where a message goes; write one rule for each channel)`},
		"channel empty":            {`slack: {token: {env: TOKEN}, channel: ""}`, ``, `config:1:39: error: channel of the slack action act is empty [missing-key] (write channel: "#enablement")`},
		"channel a list":           {`slack: {token: {env: TOKEN}, channel: [a]}`, ``, `config:1:39: error: channel of the slack action act must be a text, not a list [wrong-type] (write one text; for several, write several actions)`},
		"unknown key":              {`slack: {token: {env: TOKEN}, chanel: "#a"}`, ``, `config:1:30: error: the slack action act has no key chanel [unknown-key] (did you mean channel?)`},
		"step: no text":            {bot, `{}`, `step:1:1: error: the slack action act has no text [missing-key] (write text: "{{ data.userId }} …")`},
		"step: empty text":         {bot, `text: " "`, `step:1:7: error: text of the slack action act is empty [missing-key] (write text: "{{ data.userId }} …")`},
		"step: text a list":        {bot, `text: [a]`, `step:1:7: error: text of the slack action act must be a text, not a list [wrong-type] (write one text; for several, write several actions)`},
		"step: no channel":         {`slack: {token: {env: TOKEN}}`, `text: a`, `step:1:1: error: the slack action act does not know which channel to post to [missing-key] (write channel: "#enablement" here or in the action's configuration)`},
		"step: channel":            {bot, `{text: a, channel: "#{{ data.userId }}"}`, `step:1:20: error: channel of the slack action act is fixed: it cannot hold a template [template-not-allowed] (an event must not choose where a message goes; write one rule for each channel)`},
		"step: empty channel":      {bot, `{text: a, channel: ""}`, `step:1:20: error: channel of the slack action act is empty [missing-key] (write channel: "#enablement")`},
		"step: a comment":          {bot, "channel: #a\ntext: a", `step:1:9: error: YAML takes "#a" for a comment, so channel of the slack action act is empty [yaml-comment] (put quotes round it: "#a")`},
		"step: hook channel":       {hook, `{text: a, channel: "#a"}`, `step:1:20: error: an incoming webhook always posts to the channel it was made for [webhook-channel] (leave channel out, or configure the action with a token)`},
		"step: unknown field":      {bot, `text: "{{ data.scor }}"`, `step:1:16: error: quiz.submitted has no field scor [unknown-field] (did you mean data.score?)`},
		"step: unknown key":        {bot, `{text: a, blocs: []}`, `step:1:11: error: the slack action act has no key blocs [unknown-key] (did you mean blocks?)`},
		"step: no blocks":          {bot, `blocks: []`, `step:1:9: error: blocks of the slack action act must be a list of 1 to 50 blocks [wrong-type] (write - type: section, and below it text: {type: mrkdwn, text: "…"})`},
		"step: blocks a text":      {bot, `blocks: a`, `step:1:9: error: blocks of the slack action act must be a list of 1 to 50 blocks [wrong-type] (write - type: section, and below it text: {type: mrkdwn, text: "…"})`},
		"step: 51 blocks":          {bot, `blocks: [` + strings.Repeat(`{type: divider}, `, 51) + `]`, `step:1:9: error: blocks of the slack action act must be a list of 1 to 50 blocks [wrong-type] (write - type: section, and below it text: {type: mrkdwn, text: "…"})`},
		"step: no type":            {bot, "blocks:\n  - text: a", `step:2:5: error: a block of the slack action act has no type [wrong-type] (write type: section, header, divider, context, image or actions)`},
		"step: field in blocks":    {bot, "blocks:\n  - type: section\n    text: {type: mrkdwn, text: 'a {{ data.scor }}'}", `step:3:43: error: quiz.submitted has no field scor [unknown-field] (did you mean data.score?)`},
		"step: host of a link":     {bot, `blocks: [{type: image, image_url: "{{ data.quizName }}", alt_text: a}]`, `step:1:36: error: image_url in blocks of the slack action act lets an event choose the host [template-in-url] (write the address up to the first / after the host; templates can stand behind it)`},
		"step: half a host":        {bot, `blocks: [{type: actions, elements: [{type: button, text: {type: plain_text, text: a}, url: "https://{{ data.userId }}.example.com/"}]}]`, `step:1:101: error: url in blocks of the slack action act lets an event choose the host [template-in-url] (write the address up to the first / after the host; templates can stand behind it)`},
		"step: end of a host":      {bot, `blocks: [{type: image, image_url: "https://example.com{{ data.userId }}/", alt_text: a}]`, `step:1:55: error: image_url in blocks of the slack action act lets an event choose the host [template-in-url] (write the address up to the first / after the host; templates can stand behind it)`},
		"step: thread of a hook":   {hook, `{text: a, thread_per: data.quizId}`, `step:1:23: error: an incoming webhook cannot put messages into threads: it does not learn which message it posted [needs-token] (leave thread_per out, or configure the action with a token)`},
		"step: to of a hook":       {hook, `{text: a, to: a@example.com}`, `step:1:15: error: an incoming webhook cannot send a direct message: it always posts to the channel it was made for [needs-token] (leave to out, or configure the action with a token)`},
		"step: mention of a hook":  {hook, `text: "{{ mention(data.email) }}"`, `step:1:8: error: text of the slack action act mentions somebody, but an incoming webhook cannot look people up [needs-token] (configure the action with a token, or write the address itself: {{ data.email }})`},
		"step: to and channel":     {bot, `{text: a, to: a@example.com, channel: b}`, `step:1:15: error: the slack action act has both to and channel [two-ways] (keep one of them: to sends a direct message; for both, write the action twice)`},
		"step: to no address":      {bot, `{text: a, to: "#enablement"}`, `step:1:15: error: to of the slack action act: "#enablement" is not an e-mail address [bad-address] (write one e-mail address, such as coach@example.com; a channel is written channel:)`},
		"step: to without hole":    {bot, `{text: a, to: data.userId}`, "step:1:15: warning: this is shown as it is, not as its value [single-brace] (write {{ data.userId }})\n" + `step:1:15: error: to of the slack action act: "data.userId" is not an e-mail address [bad-address] (write "{{ data.userId }}")`},
		"step: to several":         {bot, `{text: a, to: "{{ data.userId }}, boss@example.com"}`, `step:1:15: error: to of the slack action act holds several addresses in one text [bad-address] (write the action once for each person)`},
		"step: to a list":          {bot, `{text: a, to: [a@example.com]}`, `step:1:15: error: to of the slack action act must be a text, not a list [wrong-type] (write one text; for several, write several actions)`},
		"step: mention in to":      {bot, `{text: a, to: "{{ mention(data.email) }}"}`, `step:1:19: error: mention(…) stands alone in a hole, in the text of a Slack message that reads mrkdwn, and nowhere else [bad-mention] (in such a text write {{ mention(data.email) }}; elsewhere the address itself: {{ data.email }})`},
		"step: to without channel": {`slack: {token: {env: TOKEN}}`, `{text: a, to: "{{ data.email }}"}`, ``},
		"step: thread with braces": {bot, `{text: a, thread_per: "{{ data.quizId }}"}`, `step:1:24: error: {{ }} does not belong here [syntax] (this is an expression already: remove {{ and }})`},
		"step: thread a list":      {bot, `{text: a, thread_per: [data.quizId]}`, `step:1:23: error: thread_per of the slack action act must be an expression, not a list [wrong-type] (write thread_per: data.quizId; for several values, thread_per: data.quizId + data.userId)`},
		"step: thread of no field": {bot, `{text: a, thread_per: data.quizID}`, `step:1:28: error: quiz.submitted has no field quizID [unknown-field] (did you mean data.quizId?)`},
		"step: thread":             {bot, `{text: a, thread_per: data.quizId}`, ``},

		"step: link to anywhere":      {bot, `text: "<{{ data.quizName }}|open>"`, `step:1:9: error: text of the slack action act lets an event choose where <…> leads [template-in-url] (write the address up to the first / after the host, and templates behind it; the sign < itself is written &lt;)`},
		"step: link to a host":        {bot, `text: "<https://{{ data.userId }}.example.com/|open>"`, `step:1:17: error: text of the slack action act lets an event choose where <…> leads [template-in-url] (write the address up to the first / after the host, and templates behind it; the sign < itself is written &lt;)`},
		"step: link to a port":        {bot, `text: "<https://example.com:{{ data.userId }}/|open>"`, `step:1:29: error: text of the slack action act lets an event choose where <…> leads [template-in-url] (write the address up to the first / after the host, and templates behind it; the sign < itself is written &lt;)`},
		"step: link past a user":      {bot, `text: "<https://a:{{ data.userId }}@example.com/>"`, `step:1:19: error: text of the slack action act lets an event choose where <…> leads [template-in-url] (write the address up to the first / after the host, and templates behind it; the sign < itself is written &lt;)`},
		"step: an open <":             {bot, `text: "a < {{ data.quizName }} and <https://example.com/x>"`, `step:1:12: error: text of the slack action act lets an event choose where <…> leads [template-in-url] (write the address up to the first / after the host, and templates behind it; the sign < itself is written &lt;)`},
		"step: an open < before":      {bot, `text: "a < b <https://example.com/{{ data.quizName }}>"`, `step:1:35: error: text of the slack action act lets an event choose where <…> leads [template-in-url] (write the address up to the first / after the host, and templates behind it; the sign < itself is written &lt;)`},
		"step: link in a markdown":    {bot, `blocks: [{type: markdown, text: "[a](https://{{ data.userId }})"}]`, `step:1:46: error: blocks of the slack action act lets an event choose where <…> leads [template-in-url] (write the address up to the first / after the host, and templates behind it; the sign < itself is written &lt;)`},
		"step: mention by an event":   {bot, `text: "<@{{ data.userId }}>"`, `step:1:10: error: text of the slack action act lets an event choose whom <@…> mentions [bad-mention] (to mention a person write {{ mention(data.email) }})`},
		"step: group by an event":     {bot, `text: "<!{{ data.userId }}>"`, `step:1:10: error: text of the slack action act lets an event choose whom <!…> mentions [bad-mention] (to mention a person write {{ mention(data.email) }})`},
		"step: channel by an event":   {bot, `text: "<#{{ data.userId }}|x>"`, `step:1:10: error: text of the slack action act lets an event choose whom <#…> mentions [bad-mention] (to mention a person write {{ mention(data.email) }})`},
		"step: mention by hand":       {bot, `text: "<@coach@example.com> hi"`, `step:1:8: error: text of the slack action act mentions coach@example.com, but Slack knows people by their ids [bad-mention] (write {{ mention("coach@example.com") }})`},
		"step: mention in a mention":  {bot, `text: "<@{{ mention(data.email) }}>"`, `step:1:10: error: text of the slack action act has a mention inside <…> [bad-mention] (write {{ mention(data.email) }} by itself, without < and >)`},
		"step: mention in a header":   {bot, `blocks: [{type: header, text: {type: plain_text, text: "{{ mention(data.email) }}"}}]`, `step:1:60: error: mention(…) stands alone in a hole, in the text of a Slack message that reads mrkdwn, and nowhere else [bad-mention] (in such a text write {{ mention(data.email) }}; elsewhere the address itself: {{ data.email }})`},
		"step: mention in a markdown": {bot, `blocks: [{type: markdown, text: "{{ mention(data.email) }}"}]`, `step:1:37: error: mention(…) stands alone in a hole, in the text of a Slack message that reads mrkdwn, and nowhere else [bad-mention] (in such a text write {{ mention(data.email) }}; elsewhere the address itself: {{ data.email }})`},
		"step: user of rich text":     {bot, `blocks: [{type: rich_text, elements: [{type: rich_text_section, elements: [{type: user, user_id: "{{ data.userId }}"}]}]}]`, `step:1:98: error: user_id in blocks of the slack action act is fixed: it cannot hold a template [template-not-allowed] (an event must not choose whom to mention: in a section with a text of the type mrkdwn write {{ mention(data.email) }})`},
		"step: type by an event":      {bot, `blocks: [{type: section, text: {type: "{{ data.userId }}", text: a}}]`, "step:1:32: error: text of the section has no type that a text can have [wrong-type] (write text: {type: mrkdwn, text: …})\nstep:1:39: error: type in blocks of the slack action act is fixed: it cannot hold a template [template-not-allowed] (write the type itself; for several, several rules)"},

		"step: section without text":  {bot, `blocks: [{type: section}]`, `step:1:10: error: the section in blocks of the slack action act has no text and no fields [missing-key] (write text: {type: mrkdwn, text: "…"})`},
		"step: header with mrkdwn":    {bot, `blocks: [{type: header, text: {type: mrkdwn, text: a}}]`, `step:1:38: error: text of the header takes plain_text, not mrkdwn [wrong-type] (write type: plain_text; there is no formatting, no link and no mention there)`},
		"step: field as text":         {bot, `blocks: [{type: section, fields: [a]}]`, `step:1:35: error: fields of the section must be an object, not the text "a" [wrong-type] (write fields: {type: mrkdwn, text: …})`},
		"step: picture without words": {bot, `blocks: [{type: image, image_url: "https://example.com/a"}]`, `step:1:10: error: the image in blocks of the slack action act has no alt_text [missing-key] (write alt_text: and what the picture shows, for those who do not see it)`},
		"step: context without":       {bot, `blocks: [{type: context}]`, `step:1:10: error: the context in blocks of the slack action act has no elements [missing-key] (write elements:, and a list below it)`},
		"step: text without text":     {bot, `blocks: [{type: section, text: {type: mrkdwn}}]`, `step:1:32: error: the mrkdwn in blocks of the slack action act has no text [missing-key] (write text: "…")`},
		"step: 11 fields":             {bot, `blocks: [{type: section, fields: [` + strings.Repeat(`{type: mrkdwn, text: a}, `, 11) + `]}]`, `step:1:34: error: fields of the section has 11 entries; Slack takes 10 [slack-limit] (move the rest into another block of the same type)`},
		"step: 26 buttons":            {bot, `blocks: [{type: actions, elements: [` + strings.Repeat(`{type: button, text: {type: plain_text, text: a}}, `, 26) + `]}]`, `step:1:36: error: elements of the actions has 26 entries; Slack takes 25 [slack-limit] (move the rest into another block of the same type)`},
		"step: a long header":         {bot, `blocks: [{type: header, text: {type: plain_text, text: ` + strings.Repeat("ä", 151) + `}}]`, `step:1:56: error: text of the header has 151 characters; Slack takes 150 [slack-limit] (shorten it, or spread it over several blocks)`},
		"step: a long field":          {bot, `blocks: [{type: section, fields: [{type: mrkdwn, text: ` + strings.Repeat("a", 2001) + `}]}]`, `step:1:56: error: fields of the section has 2001 characters; Slack takes 2000 [slack-limit] (shorten it, or spread it over several blocks)`},
		"step: a long address":        {bot, `blocks: [{type: actions, elements: [{type: button, text: {type: plain_text, text: a}, url: "https://example.com/` + strings.Repeat("a", 3000) + `"}]}]`, `step:1:92: error: url of the button has 3020 characters; Slack takes 3000 [slack-limit] (shorten it, or spread it over several blocks)`},
		"step: a button alone":        {bot, `blocks: [{type: button, text: {type: plain_text, text: a}}]`, `step:1:17: error: a button is not a block of its own: Slack takes it inside a block [wrong-type] (write type: actions, and below it elements: with this in its list)`},
		"step: a menu alone":          {bot, `blocks: [{type: static_select, options: [{text: {type: plain_text, text: a}, value: a}]}]`, `step:1:17: error: a static_select is not a block of its own: Slack takes it inside a block [wrong-type] (write type: actions, and below it elements: with this in its list)`},
		"step: menu without options":  {bot, `blocks: [{type: actions, elements: [{type: static_select, action_id: a}]}]`, `step:1:37: error: the static_select in blocks of the slack action act has no options and no option_groups [missing-key] (write options:, and a list below it)`},
		"step: 11 radio options":      {bot, `blocks: [{type: actions, elements: [{type: radio_buttons, options: [` + strings.Repeat(`{text: {type: plain_text, text: a}, value: a}, `, 11) + `]}]}]`, `step:1:68: error: options of the radio_buttons has 11 entries; Slack takes 10 [slack-limit] (move the rest into another block of the same type)`},
		"step: 11 checkboxes":         {bot, `blocks: [{type: section, text: {type: mrkdwn, text: a}, accessory: {type: checkboxes, options: [` + strings.Repeat(`{text: {type: plain_text, text: a}, value: a}, `, 11) + `]}}]`, `step:1:96: error: options of the checkboxes has 11 entries; Slack takes 10 [slack-limit] (move the rest into another block of the same type)`},
		"step: a green button":        {bot, `blocks: [{type: actions, elements: [{type: button, text: {type: plain_text, text: a}, style: green}]}]`, `step:1:94: error: style of the button cannot be green [wrong-type] (write style: primary (green) or style: danger (red), or leave it out)`},
		"step: a button in a context": {bot, `blocks: [{type: context, elements: [{type: button, text: {type: plain_text, text: a}}]}]`, `step:1:44: error: elements of the context takes no button [wrong-type] (put it into a block of the type actions)`},
		"step: a text in actions":     {bot, `blocks: [{type: actions, elements: [{type: mrkdwn, text: a}]}]`, `step:1:44: error: elements of the actions takes no mrkdwn [wrong-type] (put it into a block of the type context or section)`},
		"step: one block_id twice":    {bot, `blocks: [{type: divider, block_id: a}, {type: divider, block_id: b}, {type: divider, block_id: a}]`, `step:1:96: error: the id a is given twice in one message [duplicate-key] (give each its own id, or leave it out: Slack then makes one)`},
		"step: one action_id twice":   {bot, `blocks: [{type: actions, elements: [{type: users_select, action_id: a}, {type: channels_select, action_id: a}]}]`, `step:1:108: error: the id a is given twice in one block [duplicate-key] (give each its own id, or leave it out: Slack then makes one)`},
		"step: sound elements":        {bot, `blocks: [{type: actions, block_id: "{{ data.quizId }}", elements: [{type: button, text: {type: plain_text, text: a}, style: danger}, {type: brand_new}, {type: static_select, options: [{text: {type: plain_text, text: a}, value: a}]}]}, {type: context, elements: [{type: image, image_url: "https://example.com/a", alt_text: a}, {type: mrkdwn, text: a}]}]`, ``},
		"step: just long enough":      {bot, `blocks: [{type: header, text: {type: plain_text, text: ` + strings.Repeat("ä", 150) + `}}, {type: section, text: {type: mrkdwn, text: ` + strings.Repeat("a", 3000) + `}}]`, ``},
		"a hook":                      {hook, `text: a`, ``},
		"a bot":                       {bot, `{text: a, channel: C0123456789}`, ``},
		"blocks alone":                {bot, `blocks: [{type: divider}, {type: image, image_url: "https://example.com/{{ data.userId }}.png", alt_text: a}]`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			got := actiontest.Compile(t, rule(c.config, c.step))
			if diff := cmp.Diff(c.want, strings.TrimSuffix(actiontest.Lines(got.Problems), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
