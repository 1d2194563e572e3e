package receiver

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// client returns the address of the sender of a request, for the log. Behind a trusted
// proxy it is the last address in X-Forwarded-For that is not a trusted one: anybody may
// have written those before it.
func (h *Handler) client(r *http.Request) string {
	if len(h.trusted) == 0 || !h.trusts(r.RemoteAddr) {
		return r.RemoteAddr
	}
	address := r.RemoteAddr
	forwarded := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for _, next := range slices.Backward(forwarded) {
		next = strings.TrimSpace(next)
		if _, err := parseAddress(next); err != nil {
			return address
		}
		if address = next; !h.trusts(next) {
			return address
		}
	}
	return address
}

func (h *Handler) trusts(address string) bool {
	ip, err := parseAddress(address)
	return err == nil && slices.ContainsFunc(h.trusted, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// parseAddress parses an address with or without a port.
func parseAddress(text string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap(), nil
	}
	ip, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return ip.Unmap(), err
}
