package outbound

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"heed/actions"
)

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// guarded and unguarded are shared by all actions with the usual settings, and
// outlive every reload of the rules, so that connections are used again and none
// is left behind. Network has those of other settings.
var guarded, unguarded = clientOf(newTransport(false)), clientOf(newTransport(true))

// Client makes HTTP requests through the guarded dialer: no proxy from the
// environment, no redirects.
func Client(allowPrivate bool) *http.Client {
	if allowPrivate {
		return unguarded
	}
	return guarded
}

// clientOf is a client that follows no redirect: it would lead the credentials
// elsewhere.
func clientOf(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func newTransport(allowPrivate bool) *http.Transport {
	return &http.Transport{
		DialContext:            Dialer(allowPrivate).DialContext,
		Proxy:                  nil,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           512,
		MaxIdleConnsPerHost:    64, // more than most actions' concurrency
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: maxAnswer,
		// Without pings, requests would be sent into a dead HTTP/2 connection for as
		// long as the kernel retransmits.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
	}
}

// RetryAfter reads a Retry-After header, seconds or a date; zero if it has
// none that makes sense.
func RetryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	seconds, err := strconv.ParseInt(header, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) { // one out of range is as far off as can be
		return time.Duration(min(max(seconds, 0), 1<<31)) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// Failed is the outcome of a connection that failed. The address is left out
// of the error, since it can be the secret.
func Failed(err error, secrets ...string) actions.Outcome {
	var address *url.Error
	if errors.As(err, &address) {
		err = address.Err
	}
	if proxy, ok := errors.AsType[*ProxyError](err); ok {
		o := proxy.outcome()
		o.Error = Excerpt([]byte(o.Error), secrets...)
		return o
	}
	o := actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer}
	var private *privateError
	var dns *net.DNSError
	var timeout net.Error
	var op *net.OpError
	switch {
	case errors.As(err, &private):
		o.Verdict, o.Cause, o.Error = actions.Dead, actions.CauseDelivery, private.Error()
	case errors.Is(err, context.Canceled):
		o.Cause, o.Error = actions.CauseDelivery, "interrupted"
	case errors.As(err, &dns):
		o.Error = fmt.Sprintf("the host %s cannot be found: %s", dns.Name, dns.Err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		o.Error = "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		o.Error = "the connection was closed before the answer"
	case errors.Is(err, syscall.ECONNREFUSED) && errors.As(err, &op) && op.Addr != nil:
		o.Error = fmt.Sprintf("nothing accepts connections at %s (connection refused)", op.Addr)
	default:
		o.Error = cmp.Or(certificateAdvice(err), err.Error())
	}
	o.Error = Excerpt([]byte(o.Error), secrets...)
	return o
}
