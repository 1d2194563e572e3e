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
		"nothing":               {`slack: {}`, ``, `config:1:8: error: the slack action act has neither a token nor a webhook_url [missing-key] (write token: {env: SLACK_BOT_TOKEN})`},
		"both":                  {"slack:\n  token: {env: TOKEN}\n  webhook_url: {env: HOOK}", ``, `config:3:16: error: the slack action act has both a token and a webhook_url [two-ways] (keep one of them: the token can post to any channel, the webhook to its own)`},
		"plain token":           {`slack: {token: xoxb-1, channel: "#a"}`, ``, `config:1:16: warning: token of the slack action act stands in the rule file as plain text [plain-secret] (write token: {env: NAME} or {file: PATH})`},
		"plain webhook":         {`slack: {webhook_url: "https://hooks.slack.com/x"}`, ``, `config:1:22: warning: webhook_url of the slack action act stands in the rule file as plain text [plain-secret] (write webhook_url: {env: NAME} or {file: PATH})`},
		"no such variable":      {`slack: {token: {env: UNSET}}`, ``, `config:1:16: error: token of the slack action act: the environment variable UNSET is not set [missing-env] (set UNSET where heed runs)`},
		"channel of a hook":     {`slack: {webhook_url: {env: HOOK}, channel: "#a"}`, ``, `config:1:44: error: an incoming webhook always posts to the channel it was made for [webhook-channel] (leave channel out, or use a token)`},
		"webhook no address":    {`slack: {webhook_url: {env: TOKEN}}`, ``, `config:1:22: error: webhook_url of the slack action act is no absolute address [bad-url] (write https://host/path)`},
		"api_url no address":    {`slack: {token: {env: TOKEN}, api_url: slack.com/api}`, ``, `config:1:39: error: api_url of the slack action act is no absolute address [bad-url] (write https://slack.com/api)`},
		"api_url loopback":      {`slack: {token: {env: TOKEN}, api_url: "http://127.0.0.1/api"}`, ``, `config:1:39: error: api_url of the slack action act: 127.0.0.1 is a loopback, link-local or private address; set allow_private: true for the action if it really lives there [private-address] (add allow_private: true)`},
		"channel a comment":     {"slack:\n  channel: #coaching\n  token: {env: TOKEN}", ``, `config:2:11: error: YAML takes "#coaching" for a comment, so channel of the slack action act is empty [yaml-comment] (put quotes round it: "#coaching")`},
		"channel a template":    {`slack: {token: {env: TOKEN}, channel: "{{ data.userId }}"}`, ``, `config:1:39: error: channel of the slack action act is fixed: it cannot hold a template [template-not-allowed] (an event must not choose where a message goes; write one rule for each channel)`},
		"channel empty":         {`slack: {token: {env: TOKEN}, channel: ""}`, ``, `config:1:39: error: channel of the slack action act is empty [missing-key] (write channel: "#enablement")`},
		"channel a list":        {`slack: {token: {env: TOKEN}, channel: [a]}`, ``, `config:1:39: error: channel of the slack action act must be a text, not a list [wrong-type] (write one text; for several, write several actions)`},
		"unknown key":           {`slack: {token: {env: TOKEN}, chanel: "#a"}`, ``, `config:1:30: error: the slack action act has no key chanel [unknown-key] (did you mean channel?)`},
		"step: no text":         {bot, `{}`, `step:1:1: error: the slack action act has no text [missing-key] (write text: "{{ data.userId }} …")`},
		"step: empty text":      {bot, `text: " "`, `step:1:7: error: text of the slack action act is empty [missing-key] (write text: "{{ data.userId }} …")`},
		"step: text a list":     {bot, `text: [a]`, `step:1:7: error: text of the slack action act must be a text, not a list [wrong-type] (write one text; for several, write several actions)`},
		"step: no channel":      {`slack: {token: {env: TOKEN}}`, `text: a`, `step:1:1: error: the slack action act does not know which channel to post to [missing-key] (write channel: "#enablement" here or in the action's configuration)`},
		"step: channel":         {bot, `{text: a, channel: "#{{ data.userId }}"}`, `step:1:20: error: channel of the slack action act is fixed: it cannot hold a template [template-not-allowed] (an event must not choose where a message goes; write one rule for each channel)`},
		"step: empty channel":   {bot, `{text: a, channel: ""}`, `step:1:20: error: channel of the slack action act is empty [missing-key] (write channel: "#enablement")`},
		"step: a comment":       {bot, "channel: #a\ntext: a", `step:1:9: error: YAML takes "#a" for a comment, so channel of the slack action act is empty [yaml-comment] (put quotes round it: "#a")`},
		"step: hook channel":    {hook, `{text: a, channel: "#a"}`, `step:1:20: error: an incoming webhook always posts to the channel it was made for [webhook-channel] (leave channel out, or configure the action with a token)`},
		"step: unknown field":   {bot, `text: "{{ data.scor }}"`, `step:1:16: error: quiz.submitted has no field scor [unknown-field] (did you mean data.score?)`},
		"step: unknown key":     {bot, `{text: a, blocs: []}`, `step:1:11: error: the slack action act has no key blocs [unknown-key] (did you mean blocks?)`},
		"step: no blocks":       {bot, `blocks: []`, `step:1:9: error: blocks of the slack action act must be a list of 1 to 50 blocks [wrong-type] (write - type: section, and below it text: {type: mrkdwn, text: "…"})`},
		"step: blocks a text":   {bot, `blocks: a`, `step:1:9: error: blocks of the slack action act must be a list of 1 to 50 blocks [wrong-type] (write - type: section, and below it text: {type: mrkdwn, text: "…"})`},
		"step: 51 blocks":       {bot, `blocks: [` + strings.Repeat(`{type: divider}, `, 51) + `]`, `step:1:9: error: blocks of the slack action act must be a list of 1 to 50 blocks [wrong-type] (write - type: section, and below it text: {type: mrkdwn, text: "…"})`},
		"step: no type":         {bot, "blocks:\n  - text: a", `step:2:5: error: a block of the slack action act has no type [wrong-type] (write type: section, header, divider, context, image or actions)`},
		"step: field in blocks": {bot, "blocks:\n  - type: section\n    text: {type: mrkdwn, text: 'a {{ data.scor }}'}", `step:3:43: error: quiz.submitted has no field scor [unknown-field] (did you mean data.score?)`},
		"step: host of a link":  {bot, `blocks: [{type: image, image_url: "{{ data.quizName }}", alt_text: a}]`, `step:1:35: error: image_url in blocks of the slack action act lets an event choose the host [template-in-url] (write the address up to the first / after the host; templates can stand behind it)`},
		"step: half a host":     {bot, `blocks: [{type: actions, elements: [{type: button, url: "https://{{ data.userId }}.example.com/"}]}]`, `step:1:57: error: url in blocks of the slack action act lets an event choose the host [template-in-url] (write the address up to the first / after the host; templates can stand behind it)`},
		"step: end of a host":   {bot, `blocks: [{type: image, image_url: "https://example.com{{ data.userId }}/"}]`, `step:1:35: error: image_url in blocks of the slack action act lets an event choose the host [template-in-url] (write the address up to the first / after the host; templates can stand behind it)`},
		"a hook":                {hook, `text: a`, ``},
		"a bot":                 {bot, `{text: a, channel: C0123456789}`, ``},
		"blocks alone":          {bot, `blocks: [{type: divider}, {type: image, image_url: "https://example.com/{{ data.userId }}.png", alt_text: a}]`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			got := actiontest.Compile(t, rule(c.config, c.step))
			if diff := cmp.Diff(c.want, strings.TrimSuffix(actiontest.Lines(got.Problems), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
