package actions

import (
	"net/url"
	"strings"
)

// AddressPart writes a value so that it stays one part of a web address,
// wherever in it behind the host. A value that is only dots would lead out of
// the path, in whatever way it is written: it is left out.
func AddressPart(value string) string {
	if strings.Trim(value, ".") == "" {
		return ""
	}
	return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}

// MailAddressPart is AddressPart for what follows mailto:.
func MailAddressPart(value string) string { return strings.ReplaceAll(AddressPart(value), "%40", "@") }

// HasFixedHost says whether the start of a web address names its host for good.
func HasFixedHost(start string) bool {
	u, err := url.Parse(start)
	return err == nil && u.Hostname() != "" && (u.Path != "" || u.RawQuery != "" || u.ForceQuery)
}
