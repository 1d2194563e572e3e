package httpcall

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"heed/actions"
	"heed/actions/outbound"
)

// Send makes the call. It carries the delivery's id as Idempotency-Key, so that
// the other side can tell a repeat.
func (a *action) Send(ctx context.Context, m actions.Message) actions.Outcome {
	var r struct {
		Request
		Body json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal(m.Request, &r); err != nil {
		return dead("the recorded request cannot be read: %v", err)
	}
	base, err := a.url.Value()
	if err != nil {
		return actions.Outcome{Verdict: actions.Retry, Error: "url: " + err.Error()}
	}
	address, err := target(base, r.Path, r.Query)
	if err != nil {
		return actions.Outcome{
			Verdict: actions.Retry,
			Error:   "url: the secret is not an address; correct it and this is sent",
		}
	}
	body, err := content(r.Encoding, r.Body)
	if err != nil {
		return dead("the recorded body cannot be read: %v", err)
	}
	body, held, err := a.withSecrets(r.Encoding, body, r.Secrets)
	if err != nil {
		return actions.Outcome{Verdict: actions.Retry, Error: err.Error()}
	}
	if r.TimeoutMS > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, time.Duration(r.TimeoutMS)*time.Millisecond)
		defer stop()
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, address, bytes.NewReader(body))
	if err != nil {
		return dead("the recorded request makes no valid call")
	}
	secrets, err := a.setHeaders(request, r.Own, m.ID)
	if err != nil {
		return actions.Outcome{Verdict: actions.Retry, Error: err.Error()}
	}
	if a.sign != nil {
		more, err := a.sign.sign(request, m.ID, body, time.Now())
		if err != nil {
			return actions.Outcome{Verdict: actions.Retry, Error: "sign: " + err.Error()}
		}
		secrets = append(secrets, more...)
	}
	terms := outbound.Terms{
		Expect: r.Expect, RetryOn: a.retryOn, Renewable: a.isRenewable() || hasFile(r.Secrets), Attempt: m.Attempt,
		Headers: true,
		Secrets: slices.Concat(secrets, held, a.secretsOfAddresses(base)),
	}
	if r.ExpectBody != "" {
		terms.Complain = func(status int, body []byte) string { return complain(r.ExpectBody, status, body) }
	}
	return a.exchange(request, terms)
}

// exchange sends the request through the network of the configuration.
func (a *action) exchange(request *http.Request, terms outbound.Terms) actions.Outcome {
	client, err := a.network.Client()
	if err != nil {
		return actions.Outcome{Verdict: actions.Retry, Error: err.Error()}
	}
	if a.oauth2 != nil {
		return a.oauth2.Do(client, request, terms)
	}
	return outbound.Do(client, request, terms)
}

// secretsOfAddresses returns the parts of the endpoint's and the proxy's addresses that
// must not show.
func (a *action) secretsOfAddresses(base string) []string {
	secrets := a.network.Secrets()
	if a.shown == actions.Masked {
		secrets = append(secrets, base)
	}
	if password, err := a.password.Value(); err == nil {
		secrets = append(secrets, password)
	}
	return secrets
}

// isRenewable says whether the credentials of the calls can be renewed.
func (a *action) isRenewable() bool {
	return a.url.IsRenewable() || slices.ContainsFunc(a.headers, func(h header) bool { return h.value.IsRenewable() })
}

func (a *action) setHeaders(request *http.Request, own map[string]string, id string) (secrets []string, err error) {
	request.Header.Set("User-Agent", "heed")
	for _, h := range a.headers {
		if !h.value.IsSet() {
			continue // a token or a signature, which is set when it is known
		}
		value, err := h.value.Value()
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", h.name, err)
		}
		request.Header[h.name] = []string{value}
		if h.plain == actions.Masked {
			secrets = append(secrets, value)
		}
	}
	for name, value := range own {
		deleteHeader(request.Header, name)
		request.Header[name] = []string{value}
	}
	request.Header.Set("Idempotency-Key", id)
	return secrets, nil
}

// content returns the body as it is sent.
func content(encoding string, body json.RawMessage) ([]byte, error) {
	if encoding == "json" || len(body) == 0 {
		return body, nil
	}
	var text string
	if err := json.Unmarshal(body, &text); err != nil {
		return nil, err
	}
	return []byte(text), nil
}

func dead(format string, args ...any) actions.Outcome {
	return actions.Outcome{Verdict: actions.Dead, Error: fmt.Sprintf(format, args...)}
}
