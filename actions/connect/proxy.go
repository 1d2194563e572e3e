package connect

import (
	"cmp"
	"regexp"

	"heed/actions"
	"heed/actions/outbound"
	"heed/engine/schema"
)

// variable is a text that can only be the name of an environment variable.
var variable = regexp.MustCompile(`^[A-Za-z]+_PROXY$|^[A-Z][A-Z0-9]*_[A-Z0-9_]+$`)

// Proxy takes proxy, {env: HTTPS_PROXY} or an address; without it there is none,
// whatever the environment says. noProxy lists the hosts that are reached without it,
// in the form of NO_PROXY.
func Proxy(c *actions.Config) (proxy actions.Secret, noProxy string) {
	node := c.Take("proxy")
	if node == nil {
		return actions.Secret{}, ""
	}
	noProxy = cmp.Or(c.Env("NO_PROXY"), c.Env("no_proxy"))
	if node.IsScalar() && variable.MatchString(node.Text()) {
		c.Report().Errorf(node.Place(), "foreign-variable", "proxy of %s is the name of a variable", c.What()).
			Suggest("write proxy: {env: %s}", node.Text())
		return actions.Secret{}, ""
	}
	proxy = c.SecretOf("proxy", node, false)
	text, err := proxy.Value()
	if err != nil {
		return proxy, noProxy // reported where it was read
	}
	u, err := outbound.ParseProxy(text)
	if err != nil {
		c.Report().Errorf(node.Place(), "bad-url", "proxy of %s %v", c.What(), err).
			Suggest("write proxy: http://proxy.example.com:3128, or {env: HTTPS_PROXY}")
		return proxy, noProxy
	}
	if !actions.HasPort(u) {
		c.Report().Errorf(node.Place(), "bad-url", "proxy of %s: %s is not a port", c.What(), u.Port()).
			Suggest("a port is a number from 1 to 65535")
		return proxy, noProxy
	}
	if _, hasPassword := u.User.Password(); hasPassword && node.IsScalar() {
		c.Report().Warnf(node.Place(), "plain-secret", "proxy of %s holds a password", c.What()).
			Suggest("write proxy: {env: HTTPS_PROXY} or {file: PATH}, with the whole address in it")
	}
	if err := outbound.CheckHost(u.Hostname()); err != nil && !c.Settings.AllowPrivate {
		c.Report().Errorf(node.Place(), "private-address", "proxy of %s: %v", c.What(), err).
			Suggest("add allow_private: true")
	}
	return proxy, noProxy
}

// DescribeProxy describes what Proxy takes.
func DescribeProxy() *schema.Value {
	v := actions.DescribeSecret("the proxy by which the calls go out, as a text such as " +
		"http://proxy.example.com:3128, or")
	v.Examples = []any{"http://proxy.example.com:3128"}
	return v
}
