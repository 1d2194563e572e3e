// Package outbound owns how heed connects to the outside: every connection of
// every kind of action goes through its dialer, which looks at the address
// after the name was resolved, so that neither a rule nor a name server can
// point heed at a private network. The kinds of actions import it.
package outbound

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// privateError says that a connection was refused because of its address.
type privateError struct{ Address string }

func (e *privateError) Error() string {
	return e.Address + " is a loopback, link-local or private address; set allow_private: true for the action if " +
		"it really lives there"
}

// Dialer makes connections, to private addresses only if allowPrivate says so.
func Dialer(allowPrivate bool) *net.Dialer {
	d := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	if !allowPrivate {
		d.Control = func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("cannot read the address %s", address)
			}
			if isPrivate(to.Addr()) {
				return &privateError{to.Addr().String()}
			}
			return nil
		}
	}
	return d
}

// CheckHost refuses a configured host that is a private address by itself, or
// localhost. A name is looked at when it is connected to.
func CheckHost(host string) error {
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return &privateError{host}
	}
	if a, err := netip.ParseAddr(host); err == nil && isPrivate(a) {
		return &privateError{host}
	}
	return nil
}

// special are the ranges that netip does not call private although they lead
// inwards or nowhere: shared and benchmark networks, protocol assignments,
// reserved space, and IPv4 addresses dressed as IPv6.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "240.0.0.0/4",
	"192.88.99.0/24", "64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "2002::/16", "2001::/23", "100::/64",
	"3fff::/20",
	"2001:db8::/32", "5f00::/16", "fec0::/10", "::/96",
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// isPrivate says whether an address is one that only somebody inside should
// reach.
func isPrivate(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if bytes := a.As16(); a.Is6() && bytes[10] == 0x5e && bytes[11] == 0xfe && bytes[9] == 0 && bytes[8]&^3 == 0 {
		return true // ISATAP: the last four bytes are an IPv4 address
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return true
	}
	for _, p := range special {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
