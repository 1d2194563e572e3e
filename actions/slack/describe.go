package slack

import (
	"heed/actions"
	"heed/engine/schema"
)

// Describe describes what Configure and Step read.
func (Kind) Describe() actions.Description {
	return actions.Description{
		Config: schema.Object("posts messages to Slack, by the token of a bot or by an incoming webhook",
			schema.Optional("token",
				actions.DescribeSecret("the bot's token, which lets it post to any channel it is in")),
			schema.Optional("webhook_url", actions.DescribeSecret("the address of an incoming webhook, which posts to "+
				"its own channel; instead of a token")),
			schema.Optional("channel", schema.Text(`with a token: where messages go that name no channel of their own, `+
				`in quotes: "#enablement"`)),
			schema.Optional("api_url", schema.Text("the address of a Slack-compatible server; Slack's own if left out",
				"https://slack.example.com/api/")),
		).NeedsOne("token", "webhook_url").AtMostOne("token", "webhook_url"),
		Params: schema.Object("a message",
			schema.Optional("text", schema.Text("the message in Slack's mrkdwn, with {{ templates }} and, with a token, "+
				"{{ mention(…) }}; beside blocks it is what notifications show",
				"Well done, {{ data.userId }}", "Well done, {{ mention(data.email) }}")),
			schema.Optional("blocks", describeBlocks()),
			schema.Optional("table", actions.DescribeTable()),
			schema.Optional("channel", schema.Text(`another channel than the configured one, in quotes: "#enablement"; `+
				`fixed, without templates`)),
			schema.Optional("to", schema.Text("with a token: the e-mail address of the person to whom the message goes "+
				"directly, instead of a channel", "coach@example.com")),
			schema.Optional("thread_per", schema.Text("with a token: an expression, without braces; messages for which "+
				"it has the same value go to one thread", "data.quizId")),
		).NeedsOne("text", "blocks").AtMostOne("channel", "to"),
	}
}

func describeBlocks() *schema.Value {
	block := &schema.Value{Type: schema.Types{"object"}}
	block.Add(schema.Required("type", &schema.Value{
		Description: "what the block is", Type: schema.Types{"string"},
		Examples: []any{"section", "header", "divider", "context", "image", "actions"},
	}))
	blocks := schema.List("the message in Slack's Block Kit, with {{ templates }} in its texts", block, 1)
	blocks.MaxItems = maxBlocks
	return blocks
}
