package rulefile

import (
	"heed/actions"
	"heed/engine/layout"
	"heed/engine/schema"
)

// describeSources describes the sources section.
func (c *Compiler) describeSources() *schema.Value {
	source := schema.Object("a way in which events come",
		schema.Optional("path", schema.Matching("where requests come in", `^/`,
			"write a path such as /webhooks/connector", "/webhooks/connector")),
		schema.Optional("verify", describeVerify()),
		schema.Optional("files", schema.Text("the files that are read when they appear, beside this one: CSV, TSV or "+
			"JSON lines", "reports/quiz-results-*.csv")),
		schema.Optional("ids_of", schema.Text("the source that has the same ids: what it has already is not new",
			"connector")),
		schema.Optional("each", schema.Scalar("the list in a request whose elements are the events; each is item",
			"body.events")),
		schema.Optional("event", schema.Scalar("the event type, as an expression", "item.type")),
		schema.Optional("id", schema.Scalar("what tells an event from all others; without it, all of what came",
			"body.id", `row["User ID"] + "/" + row["Attempt"]`)),
		schema.Optional("at", schema.Scalar("the event's own time", "body.submittedAt",
			`date(row["Submitted"], "2006-01-02 15:04", "Asia/Kolkata")`)),
		schema.Optional("company", schema.Scalar("whose event it is; without it, yours", "body.company")),
		schema.Optional("data", describeData()),
		schema.Optional("act", schema.Matching("which events may trigger something: for files, within 24h if nothing "+
			"is said",
			`^(always|never|since [0-9].*|within [0-9].*)$`, actForms, "within 24h", "since 2026-12-01")),
		schema.Optional("tests", schema.List("what the source must make of a request or of rows",
			describeSourceTest(), 0).OrEmpty()),
	).OrEmpty()
	return schema.Map("the ways in which events come; the published webhook is there without being named",
		source).OrEmpty()
}

func describeData() *schema.Value {
	return &schema.Value{
		Description: "the event's data: an expression that gives all of it, or one for each field",
		AnyOf: []*schema.Value{
			schema.Scalar("an expression", "body.data"),
			schema.Map("an expression for each field",
				schema.Scalar("an expression", "body.user.email", `float(row["Score"])`)),
		},
	}
}

func describeVerify() *schema.Value {
	window := []schema.Key{
		schema.Optional("max_age", schema.Duration("how old the signed time may be", "5m")),
		schema.Optional("max_ahead", schema.Duration("how far the signed time may be ahead", "5m")),
	}
	formula := append([]schema.Key{
		schema.Optional("timestamp_header", schema.Text("the header that has the signed time", "X-Timestamp")),
		schema.Optional("id_header", schema.Text("the header that has the event's id", "X-Event-Id")),
		schema.Optional("prefix", schema.Text("what stands before the signature", "sha256=")),
		schema.Optional("encoding", schema.Words("how the signature is written", "hex", "base64")),
		schema.Optional("signed", schema.Text("what is signed: {body}, {timestamp} and {id}")),
	}, window...)
	secret := func(key string) []schema.Key {
		return []schema.Key{
			schema.Optional(key, actions.DescribeBareSecret("a secret, which never stands in this file")),
			schema.Optional("env", schema.Text("the environment variable that holds it", "CONNECTOR_TOKEN")),
			schema.Optional("file", schema.Text("the file that holds it", "/run/secrets/connector")),
		}
	}
	object := schema.Object("how requests are verified",
		schema.Optional("mindtickle", schema.Object("the published webhook's signature",
			append([]schema.Key{
				schema.Optional("secret", actions.DescribeBareSecret("a secret, which never stands in this file")),
				schema.Optional("signature_header",
					schema.Text("the header that has the signature", "X-Mt-Webhook-Signature")),
			}, formula...)...).OrEmpty()),
		schema.Optional("hmac", schema.Object("an HMAC-SHA256 signature",
			append(append(secret("secret"), schema.Required("header",
				schema.Text("the header that has the signature", "X-Signature"))), formula...)...)),
		schema.Optional("standard_webhooks", schema.Object("a signature as standardwebhooks.com has it",
			append(secret("secret"), window...)...)),
		schema.Optional("github", schema.Object("a signature as GitHub's webhooks have it", secret("secret")...)),
		schema.Optional("bearer", schema.Object("a token in the header Authorization", secret("token")...)),
		schema.Optional("basic", schema.Object("a user and a password in the header Authorization",
			append(secret("password"), schema.Required("user", schema.Text("the user", "heed")))...)),
	)
	return &schema.Value{
		Description: "how requests are verified",
		AnyOf:       []*schema.Value{schema.Words("the published webhook's signature", "mindtickle"), object},
	}
}

func describeSourceTest() *schema.Value {
	texts := func(description string) *schema.Value {
		return schema.Map(description, schema.Scalar("its value")).OrEmpty()
	}
	anything := &schema.Value{Description: "the body: an object or a list, or a text as it comes"}
	expected := schema.Object("an event, or the reason why there is none",
		schema.Optional("event", schema.Text("the event type", "quiz.submitted")),
		schema.Optional("id", schema.Scalar("the event's id")),
		schema.Optional("at", schema.Scalar("its own time", "2026-12-01T09:00:00Z")),
		schema.Optional("company", schema.Text("its company")),
		schema.Optional("data", &schema.Value{Description: "some fields of its data", Type: schema.Types{"object"}}),
		schema.Optional("quarantined", schema.Text("the reason why it cannot be used", "unmapped")),
	).OrEmpty()
	return schema.Object("",
		schema.Required("name", schema.Text("what the source must make of it", "a submission becomes a quiz")),
		schema.Required("given", schema.Object("a request, or rows",
			schema.Optional("headers", texts("headers")),
			schema.Optional("query", texts("the query")),
			schema.Optional("body", anything),
			schema.Optional("rows", schema.List("rows: columns and cells", texts("a row"), 0).OrEmpty()),
		)),
		schema.Required("expect", schema.Object("what is expected",
			schema.Required("events", schema.List("the events", expected, 0).OrEmpty()))),
	)
}

// sourceStyle lays out a source in the order in which it processes an event.
var sourceStyle = &layout.Style{
	Order: []string{
		"path", "files", "verify", "ids_of", "each", "event", "id", "at", "company", "data", "act", "tests",
	},
	Fields: map[string]*layout.Style{
		"verify": {Each: &layout.Style{Order: []string{
			"user", "secret", "token", "password", "env", "file", "header", "signature_header", "timestamp_header",
			"id_header", "prefix", "encoding", "signed", "max_age", "max_ahead",
		}}},
		"tests": {Each: &layout.Style{Order: []string{"name", "given", "expect"}}},
	},
}
