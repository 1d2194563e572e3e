package outbound

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"heed/actions"
)

// Terms say how an answer is judged. The zero Terms take any 2xx as done.
type Terms struct {
	// Expect are the status codes that count as done; empty means any 2xx.
	Expect []int
	// Complain, if not nil, says what is wrong with the body of an answer whose
	// status is expected; empty if nothing is.
	Complain func(status int, body []byte) string
	// RetryOn are answers after which another try can help, in addition to those of
	// temporary.
	RetryOn []actions.RetryOn
	// Renewable says that the credentials can be renewed while heed runs, so
	// that a refusal of them may pass.
	Renewable bool
	// Attempt counts the sends of the request, from 1.
	Attempt int
	// Headers says that the response begins with those of the answer's headers that
	// explain it.
	Headers bool
	// Secrets never show in the outcome.
	Secrets []string
}

// Renewals bounds the attempts that are refused for their credentials, which may be
// renewed in the meantime. repeats bounds those that are refused because a request
// with the same key is under way.
const (
	Renewals = 6
	repeats  = 6
)

// Do sends a request and says what became of it.
func Do(client *http.Client, request *http.Request, terms Terms) actions.Outcome {
	o, _ := roundTrip(client, request, terms)
	return o
}

// roundTrip is like Do, and also returns the status of the answer; zero if there was
// none.
func roundTrip(client *http.Client, request *http.Request, terms Terms) (o actions.Outcome, status int) {
	response, err := client.Do(request)
	if err != nil {
		return Failed(err, terms.Secrets...), 0
	}
	defer response.Body.Close()
	limit := int64(maxAnswer)
	if terms.Complain != nil {
		limit = maxJudged
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit))
	o = terms.Judge(response.StatusCode, body, pause(response.StatusCode, response.Header, time.Now()))
	if reason := reasonIn(response.Header); reason != "" && terms.Headers && o.Verdict != actions.Done {
		o.Error += ": " + reason
	}
	if err != nil && o.Verdict == actions.Dead && terms.dependsOnBody(response.StatusCode) {
		o = Failed(err, terms.Secrets...) // the rest of it could have said otherwise
	}
	o.Error = redact(o.Error, terms.Secrets)
	o.Response = Excerpt(body, terms.Secrets...)
	if headers := tellingHeaders(response.Header); headers != "" && terms.Headers {
		o.Response = clip(strings.TrimRight(Excerpt([]byte(headers), terms.Secrets...)+"\n"+o.Response, "\n"))
	}
	return o, response.StatusCode
}

// maxJudged is how much is read of an answer that is judged by its body: half a JSON
// text says nothing.
const maxJudged = 1 << 20

// ReadAnswer reads the start of an answer's body, as much as people look at. The
// error says why the body broke off before that.
func ReadAnswer(response *http.Response) ([]byte, error) {
	return io.ReadAll(io.LimitReader(response.Body, maxAnswer))
}

// Judge says what an answer means. after is its Retry-After.
func (t *Terms) Judge(status int, body []byte, after time.Duration) actions.Outcome {
	o := actions.Outcome{Error: complaint(status)}
	if t.isExpected(status) {
		if o.Error = t.complain(status, body); o.Error == "" {
			return actions.Outcome{Verdict: actions.Done}
		}
		after = 0 // it belongs to a good answer
	}
	switch {
	case after > 0:
		o.Verdict, o.Cause, o.After = actions.Retry, actions.CauseThrottled, after
	case status == http.StatusTooManyRequests:
		o.Verdict, o.Cause = actions.Retry, actions.CauseThrottled
	case !t.isExpected(status) && (status >= 500 || status == http.StatusRequestTimeout):
		o.Verdict, o.Cause = actions.Retry, actions.CauseServer // whatever the rule says: it may be an outage
	case slices.ContainsFunc(t.RetryOn, func(on actions.RetryOn) bool { return on.Matches(status, body) }):
		o.Verdict = actions.Retry
		o.Error = strings.TrimSuffix(o.Error, badCredentials) // whoever wrote the rule knows better
	case t.isExpected(status):
		o.Verdict = actions.Dead
	case status == http.StatusTooEarly:
		o.Verdict = actions.Retry
	case status == http.StatusUnauthorized && t.Renewable:
		o.Verdict, o.Cause, o.Attempts = actions.Retry, actions.CauseServer, Renewals
	case status == http.StatusConflict && t.Attempt > 1:
		// The earlier attempt may still be under way there, with the same key.
		o.Verdict, o.Attempts = actions.Retry, repeats
	default:
		o.Verdict = actions.Dead
	}
	return o
}

// dependsOnBody says whether the rest of the body could change the judgement of an
// answer that is a permanent failure so far.
func (t *Terms) dependsOnBody(status int) bool {
	return t.isExpected(status) || slices.ContainsFunc(t.RetryOn, func(on actions.RetryOn) bool {
		return on.Body != "" && (on.Status == 0 || on.Status == status)
	})
}

func (t *Terms) isExpected(status int) bool {
	if len(t.Expect) > 0 {
		return slices.Contains(t.Expect, status)
	}
	return status/100 == 2
}

func (t *Terms) complain(status int, body []byte) string {
	if t.Complain == nil {
		return ""
	}
	return t.Complain(status, body)
}

// complaint says what a status means for whoever configured the action.
func complaint(status int) string {
	text := strings.TrimSpace(fmt.Sprintf("answered %d %s", status, http.StatusText(status)))
	switch {
	case status/100 == 2:
		text += "; the rule expects another status"
	case slices.Contains([]int{301, 302, 303, 307, 308}, status):
		text += "; redirects are not followed, configure the final address"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		text += badCredentials
	}
	return text
}

const badCredentials = "; check the credentials in the action's configuration"
