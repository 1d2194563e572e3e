package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"heed/actions"
)

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// Client makes HTTP requests through the guarded dialer: no proxy from the
// environment, no redirects.
func Client(allowPrivate bool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            Dialer(allowPrivate).DialContext,
			Proxy:                  nil,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    16,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxResponseHeaderBytes: maxAnswer,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Do sends a request and says what became of it. expect are the status codes
// that count as done; empty means any 2xx. The secrets never show in the
// outcome.
func Do(client *http.Client, request *http.Request, expect []int, secrets ...string) actions.Outcome {
	response, err := client.Do(request)
	if err != nil {
		return Failed(err, secrets...)
	}
	defer response.Body.Close()
	// A body that breaks off does not change what the status says.
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if isDone(response.StatusCode, expect) {
		return actions.Outcome{Verdict: actions.Done}
	}
	o := actions.Outcome{
		Verdict:  verdict(response.StatusCode),
		Error:    "answered " + strconv.Itoa(response.StatusCode) + " " + http.StatusText(response.StatusCode),
		Response: redact(clip(body), secrets),
		After:    RetryAfter(response.Header.Get("Retry-After"), time.Now()),
	}
	if response.StatusCode/100 == 3 {
		o.Error += "; redirects are not followed, configure the final address"
	}
	return o
}

func isDone(status int, expect []int) bool {
	if len(expect) > 0 {
		return slices.Contains(expect, status)
	}
	return status/100 == 2
}

// verdict says whether another try can help: after a 5xx, a time-out (408), too
// early (425) or too many requests (429).
func verdict(status int) actions.Verdict {
	switch {
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return actions.Retry
	default:
		return actions.Dead
	}
}

// RetryAfter reads a Retry-After header, seconds or a date; zero if it has
// none that makes sense.
func RetryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if seconds, err := strconv.ParseInt(header, 10, 64); err == nil {
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
	o := actions.Outcome{Verdict: actions.Retry}
	var address *url.Error
	if errors.As(err, &address) {
		err = address.Err
	}
	var dns *net.DNSError
	switch private, refused := isPrivateError(err); {
	case refused:
		o.Verdict, o.Error = actions.Dead, private.Error()
	case errors.Is(err, context.DeadlineExceeded):
		o.Error = "no answer in time"
	case errors.Is(err, context.Canceled):
		o.Error = "interrupted"
	case errors.As(err, &dns):
		o.Error = fmt.Sprintf("the host %s cannot be found: %s", dns.Name, dns.Err)
	default:
		o.Error = err.Error()
	}
	o.Error = redact(o.Error, secrets)
	return o
}

// redact masks secrets in what others wrote.
func redact(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, actions.Masked)
		}
	}
	return text
}

// clip is the start of an answer, as valid text.
func clip(body []byte) string {
	if len(body) > actions.MaxResponse {
		body = body[:actions.MaxResponse]
		for len(body) > 0 && !utf8.RuneStart(body[len(body)-1]) {
			body = body[:len(body)-1]
		}
		if len(body) > 0 && body[len(body)-1] >= utf8.RuneSelf {
			body = body[:len(body)-1]
		}
	}
	return strings.ToValidUTF8(string(body), "\uFFFD")
}
