// Package mindtickle owns the subscription at MindTickle: the two calls of its
// API that are known, and the memory of what was registered, since the API
// cannot be asked. Only internal/app and cmd/heed import it.
package mindtickle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"heed/actions"
	"heed/actions/outbound"
)

// DefaultAPI is where the API is.
const DefaultAPI = "https://api.mindtickle.com"

// timeout bounds one call.
const timeout = 30 * time.Second

// Client calls the API.
type Client struct {
	// API is the address up to the version: DefaultAPI.
	API string
	// Token is the API token.
	Token actions.Secret
	HTTP  *http.Client
}

// Webhook is what a registration asks for.
type Webhook struct {
	URL     string   `json:"url"`
	Events  []string `json:"events"`
	Company string   `json:"companyId,omitempty"`
}

// Register subscribes an address to event types and returns the webhook's id:
// POST /v2/webhooks. The error is a sentence with the remedy.
func (c *Client) Register(ctx context.Context, w Webhook) (id string, err error) {
	body, err := json.Marshal(w)
	if err != nil {
		return "", err
	}
	answer, err := c.call(ctx, http.MethodPost, "/v2/webhooks", body)
	if err != nil {
		return "", err
	}
	var made struct {
		ID any `json:"webhookId"`
	}
	decoder := json.NewDecoder(bytes.NewReader(answer))
	decoder.UseNumber() // an id may be a number
	if decoder.Decode(&made) != nil || made.ID == nil || fmt.Sprint(made.ID) == "" {
		return "", fmt.Errorf("MindTickle took the registration but its answer names no webhookId: %s. Look at "+
			"MindTickle whether the webhook is there before you register again", c.excerpt(answer))
	}
	return fmt.Sprint(made.ID), nil
}

// Activate makes a suspended webhook active again: PATCH /v2/webhooks/{id} with
// the given body. The error is a sentence with the remedy.
func (c *Client) Activate(ctx context.Context, id, body string) error {
	_, err := c.call(ctx, http.MethodPatch, "/v2/webhooks/"+url.PathEscape(id), []byte(body))
	return err
}

func (c *Client) address(path string) string { return strings.TrimRight(c.API, "/") + path }

func (c *Client) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	token, err := c.Token.Value()
	if err != nil {
		return nil, fmt.Errorf("the API token: %w", err)
	}
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, method, c.address(path), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("--api %q is not an address: write %s", c.API, DefaultAPI)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, c.unreachable(err)
	}
	defer response.Body.Close()
	answer, err := outbound.ReadAnswer(response)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, c.unreachable(err)
	}
	if response.StatusCode/100 != 2 {
		return nil, c.refusal(response, answer)
	}
	return answer, nil
}

// unreachable says why there is no answer.
func (c *Client) unreachable(err error) error {
	var timedOut interface{ Timeout() bool }
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timedOut) && timedOut.Timeout() {
		return fmt.Errorf("MindTickle's API at %s did not answer within %s: nothing is known of what became of it. "+
			"Look at MindTickle before you try again", c.API, timeout)
	}
	outcome := outbound.Failed(err, c.secret())
	return fmt.Errorf("MindTickle's API at %s cannot be reached: %s", c.API, outcome.Error)
}

// RefusedError is an answer that is not 2xx, as a sentence with the remedy.
type RefusedError struct {
	Status   int
	sentence string
}

func (e *RefusedError) Error() string { return e.sentence }

func (c *Client) refusal(response *http.Response, answer []byte) error {
	said := ""
	if text := c.excerpt(answer); text != "" {
		said = " It said: " + text
	}
	why := ""
	switch status := response.StatusCode; {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		why = "MindTickle does not accept the API token (%s). Make a new one at MindTickle and put it into " +
			"MINDTICKLE_API_TOKEN or the --token-file"
	case status == http.StatusNotFound && response.Request.Method == http.MethodPost:
		why = "MindTickle's API has nothing that takes registrations at " + c.address("/v2/webhooks") +
			" (%s). Check --api, and that --company is your company's id"
	case status == http.StatusNotFound:
		why = "MindTickle knows no such webhook (%s): it was probably deleted there"
	case status == http.StatusConflict:
		why = "MindTickle says that there is such a webhook already (%s). Look at MindTickle for its id and event " +
			"types, and have heed take it up: heed webhooks activate --id ID --url URL --events TYPE,TYPE"
	case status == http.StatusTooManyRequests:
		wait := "a minute"
		if after := outbound.RetryAfter(response.Header.Get("Retry-After"), time.Now()); after > 0 {
			wait = after.Round(time.Second).String()
		}
		why = "MindTickle asks for patience (%s). Try again in " + wait
	case status >= 500:
		why = "MindTickle has a problem of its own (%s). Try again later"
	case status/100 == 3:
		why = "the API has moved (%s), and redirects are not followed with a token. Name the new address with --api"
	default:
		why = "MindTickle did not take the request (%s)"
	}
	return &RefusedError{response.StatusCode, strings.Replace(why, "%s", response.Status, 1) + "." + said}
}

func (c *Client) excerpt(answer []byte) string {
	return strings.Join(strings.Fields(outbound.Excerpt(answer, c.secret())), " ")
}

func (c *Client) secret() string {
	token, _ := c.Token.Value()
	return token
}
