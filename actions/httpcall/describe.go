package httpcall

import (
	"heed/actions"
	"heed/actions/connect"
	"heed/engine/schema"
)

// Describe describes what Configure and Step read.
func (Kind) Describe() actions.Description {
	return actions.Description{
		Config: schema.Object("calls an HTTP endpoint; the address is fixed here, and a rule adds path, query, "+
			"headers and body",
			schema.Required("url", describeURL()),
			schema.Optional("headers",
				schema.Map("headers of every call; secrets belong here", describeHeader()).OrEmpty()),
			schema.Optional("oauth2", connect.DescribeOAuth2()),
			schema.Optional("sign", describeSign()),
			schema.Optional("proxy", connect.DescribeProxy()),
			schema.Optional("tls", connect.DescribeTLS()),
		),
		Params: schema.Object("a call",
			schema.Optional("method", schema.Words("the method; "+defaultMethod+" if left out", methods...)),
			schema.Optional("path", schema.Text("what comes behind the configured address, with {{ templates }}, whose "+
				"values must be there and are escaped",
				"/users/{{ data.userId }}/certificates")),
			schema.Optional("query", schema.Map("what stands behind the ? of the address, with {{ templates }}; a list "+
				"is sent under its name several times",
				schema.OneOrList(schema.Scalar(""), 0)).OrEmpty()),
			schema.Optional("headers", schema.Map("headers of this call, with {{ templates }}; no secrets, since they "+
				"are recorded", schema.Scalar("")).OrEmpty()),
			schema.Optional("json", schema.Any("object",
				"the body as JSON of any shape, with {{ templates }} in its texts; a text that is one template keeps the "+
					"type of its value, and {env: NAME} is a secret")),
			schema.Optional("omit_missing", schema.Bool("leaves keys of json out whose value is one template and "+
				"missing; they are null otherwise")),
			schema.Optional("form",
				schema.Map("the body as a web form, with {{ templates }}", describeHeader()).OrEmpty()),
			schema.Optional("body", schema.Text("the body as text, with {{ templates }}")),
			schema.Optional("timeout", schema.Duration("bounds one attempt of this call; only less than the action's own "+
				"has an effect", "5s", "15s")),
			schema.Optional("expect", schema.OneOrList(
				schema.Whole("the status codes that mean success; any 2xx if left out", minStatus, maxStatus, 200, 409),
				1)),
			schema.Optional("expect_body", schema.Text("a condition on status and body that a good answer fulfils;"+
				" one that does not is given up, unless on of retry names it", "body.ok == true")),
		).AtMostOne("json", "form", "body"),
		Retry: schema.Keys{schema.Optional("on", actions.DescribeRetryOn())},
	}
}

// describeURL lists its alternatives separately, so that editors suggest a text
// first.
func describeURL() *schema.Value {
	text := schema.Matching("", "^[Hh][Tt][Tt][Pp][Ss]?://", "write https://host/path")
	secret := actions.DescribeSecret("").Unexplained()
	secret.Type = schema.Types{"object"}
	return &schema.Value{
		Description: "the address to call; {env: NAME} or {file: PATH} if it holds a secret",
		Type:        schema.Types{"string", "object"},
		AnyOf:       []*schema.Value{text, secret},
		Examples:    []any{"https://lms.example.com/api"},
	}
}

func describeHeader() *schema.Value {
	v := actions.DescribeSecret("a text or, if it is a secret")
	v.Type = append(v.Type, "boolean")
	return v
}
