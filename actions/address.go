package actions

import (
	"net/url"
	"strings"
)

// AddressPart escapes a value so that it stays one part of a web address, anywhere
// after the host. A value of dots only is left out: no escape keeps it from leading out
// of the path.
func AddressPart(value string) string {
	if strings.Trim(value, ".") == "" {
		return ""
	}
	return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}

// MailAddressPart is AddressPart for what follows mailto:.
func MailAddressPart(value string) string { return strings.ReplaceAll(AddressPart(value), "%40", "@") }

// HasFixedHost reports whether the start of a web address determines its host,
// whatever follows.
func HasFixedHost(start string) bool {
	u, err := url.Parse(start)
	return err == nil && u.Hostname() != "" && (u.Path != "" || u.RawQuery != "" || u.ForceQuery)
}
