package email

import (
	"heed/actions"
	"heed/actions/connect"
	"heed/engine/schema"
)

// Describe describes what Configure and Step read.
func (Kind) Describe() actions.Description {
	return actions.Description{
		Config: schema.Object("sends e-mail through an SMTP server",
			schema.Required("smtp", schema.Text("the server; smtps:// means TLS from the first byte",
				"smtp://mail.example.com:587")),
			schema.Optional("username", actions.DescribeSecret("goes with password or oauth2: the name to log in with, "+
				"as a text")),
			schema.Optional("password", actions.DescribeSecret("goes with username: the password to log in with")),
			schema.Optional("oauth2", connect.DescribeOAuth2()),
			schema.Optional("headers", schema.Map("headers of every mail, as fixed texts; Auto-Submitted is "+
				"auto-generated if left out",
				schema.Scalar("")).OrEmpty()),
			schema.Optional("helo", schema.Text("how heed greets the server; the machine's name if left out",
				"heed.example.com")),
			schema.Required("from", schema.Text("the sender", "Enablement <enablement@example.com>")),
			schema.Optional("tls", schema.Choice("how the connection is encrypted; starttls if left out",
				schema.Word{Word: "starttls", Meaning: "encrypted after a plain start: the usual, port 587"},
				schema.Word{Word: "implicit", Meaning: "encrypted from the first byte: port 465"},
				schema.Word{Word: "none", Meaning: "not encrypted, and only without a password: port 25"},
			)),
		).Add(connect.DescribeMailTLS()...).
			Needs("username", "password", "oauth2").Needs("password", "username").Needs("oauth2", "username").
			Together("tls_cert", "tls_key"),
		Params: schema.Object("an e-mail",
			schema.Required("to", describeRecipients("the recipient or a list of them, with {{ templates }}; an event "+
				"cannot add another")),
			schema.Optional("cc", describeRecipients("who gets a copy")),
			schema.Optional("reply_to", describeReplyTo()),
			schema.Required("subject", schema.Text("the subject, with {{ templates }}", "Welcome to the team")),
			schema.Optional("text", schema.Text("the message as plain text, with {{ templates }}")),
			schema.Optional("html", schema.Text("the message as HTML, with {{ templates }}, whose values are escaped; "+
				"can stand beside text")),
			schema.Optional("table", actions.DescribeTable()),
		).NeedsOne("text", "html"),
	}
}

func describeRecipients(description string) *schema.Value {
	return schema.OneOrList(schema.Text(description, "coach@example.com"), 1)
}

func describeReplyTo() *schema.Value {
	v := describeRecipients("where answers go")
	v.MaxItems = 1
	return v
}
