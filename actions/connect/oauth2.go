// Package connect reads what the configuration of an action says of how it connects,
// in the same way for every kind that connects, and describes it for editors. The
// kinds of actions import it; outbound makes the connections.
package connect

import (
	"slices"
	"strings"

	"heed/actions"
	"heed/actions/outbound"
	"heed/engine/document"
	"heed/engine/schema"
)

// oauth2Example is what to write for oauth2.
const oauth2Example = "write oauth2: {token_url: https://login.example.com/token," +
	" client_id: heed, client_secret: {env: NAME}}"

// OAuth2 takes oauth2; nil if it is absent.
func OAuth2(c *actions.Config) *outbound.OAuth2 {
	node := c.Take("oauth2")
	if node == nil {
		return nil
	}
	o := &outbound.OAuth2{}
	if !node.IsObject() {
		c.Report().Errorf(node.Place(), "wrong-type",
			"oauth2 of %s must be an object of keys and values, not %s", c.What(), node.Describe()).
			Suggest("%s", oauth2Example)
		return o
	}
	fields := c.Within("oauth2", node)
	defer fields.Done()
	if address := fields.Require("token_url", "write token_url: https://login.example.com/oauth2/token"); address != nil {
		o.TokenURL = readTokenURL(fields, address)
	}
	if id := fields.Require("client_id", "write client_id: and the name under which heed is known there"); id != nil {
		o.ClientID, o.PlainID = fields.SecretOf("client_id", id, false), id.IsScalar()
	}
	if secret := fields.Require("client_secret", "write client_secret: {env: NAME} or {file: PATH}"); secret != nil {
		o.ClientSecret = fields.SecretOf("client_secret", secret, true)
	}
	o.Scopes = readScopes(fields)
	o.Audience, _ = fields.Text("audience")
	readTokenParams(fields, o)
	return o
}

// ownParams are the parameters that have keys of their own.
var ownParams = []string{"client_id", "client_secret", "scope", "audience"}

// readTokenParams takes params. A value is a secret unless it is a plain text.
func readTokenParams(c *actions.Config, o *outbound.OAuth2) {
	node := c.Take("params")
	if node == nil {
		return
	}
	o.Params = map[string]actions.Secret{}
	for _, pair := range node.Fields(c.Report(), "params of "+c.What()).Pairs() {
		name := pair.Key.Text()
		if slices.Contains(ownParams, name) {
			c.Report().Errorf(pair.Key.Place(), "two-ways", "params of %s holds %s, which has a key of its own",
				c.What(), name).
				Suggest("write %s beside token_url", map[bool]string{true: "scopes", false: name}[name == "scope"])
			continue
		}
		sensitive := strings.Contains(name, "token") || strings.Contains(name, "secret") ||
			strings.Contains(name, "password")
		o.Params[name] = c.SecretOf(name+" in params", pair.Value, sensitive)
		if pair.Value.IsScalar() && !sensitive {
			o.PlainParams = append(o.PlainParams, name)
		}
	}
}

func readTokenURL(c *actions.Config, node *document.Node) string {
	text := node.Text()
	u := c.CheckURL("token_url", node, text)
	if u == nil {
		return ""
	}
	if u.User != nil {
		c.Report().Errorf(node.Place(), "bad-url", "token_url of %s holds a username or password", c.What()).
			Suggest("write client_id and client_secret")
	}
	if err := outbound.CheckHost(u.Hostname()); err != nil && !c.Settings.AllowPrivate {
		c.Report().Errorf(node.Place(), "private-address", "token_url of %s: %v", c.What(), err).
			Suggest("add allow_private: true to the action")
	} else if u.Scheme == "http" && err == nil {
		c.Report().Errorf(node.Place(), "plain-password", "%s would send client_secret unencrypted", c.What()).
			Suggest("write https:// in token_url")
	}
	return text
}

// readScopes takes a list, or one text with spaces as the standard writes them.
func readScopes(c *actions.Config) []string {
	node := c.Take("scopes")
	if node == nil {
		return nil
	}
	items := node.Items()
	if node.IsScalar() {
		items = []*document.Node{node}
	}
	var scopes []string
	for _, item := range items {
		if !item.IsScalar() || item.IsNull() {
			c.Report().Errorf(item.Place(), "wrong-type",
				"scopes of %s takes texts, not %s", c.What(), item.Describe()).
				Suggest("write scopes: [grants.write, users.read]")
			continue
		}
		scopes = append(scopes, strings.Fields(item.Text())...)
	}
	if node.IsObject() {
		c.Report().Errorf(node.Place(), "wrong-type",
			"scopes of %s must be a list of texts, not %s", c.What(), node.Describe()).
			Suggest("write scopes: [grants.write, users.read]")
	}
	return scopes
}

// DescribeOAuth2 describes what OAuth2 takes.
func DescribeOAuth2() *schema.Value {
	address := schema.Matching("where tokens are given out", "^[Hh][Tt][Tt][Pp][Ss]?://", "write https://host/path",
		"https://login.example.com/oauth2/token")
	return schema.Object("OAuth 2 client credentials: an access token is got with them,"+
		" kept until shortly before it expires,"+
		" and sent as Authorization",
		schema.Required("token_url", address),
		schema.Required("client_id", actions.DescribeSecret("the name under which heed is known there, as a text")),
		schema.Required("client_secret", actions.DescribeSecret("the secret that belongs to client_id")),
		schema.Optional("scopes", schema.OneOrList(schema.Text("what the token shall allow", "grants.write"), 0)),
		schema.Optional("audience", schema.Text("whom the token is for, where the server asks for it",
			"https://lms.example.com")),
		schema.Optional("params", schema.Map("what the token endpoint wants beyond the standard,"+
			" such as grant_type: account_credentials", actions.DescribeSecret("a text or, if it is a secret"))),
	)
}
