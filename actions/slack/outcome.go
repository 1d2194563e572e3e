package slack

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"heed/actions"
	"heed/actions/outbound"
)

// exchange is the library's HTTP client for one call. It bounds the answer,
// which the library would read to its end, and keeps it, since the library's
// errors drop most of it.
type exchange struct {
	client *http.Client
	// channel and scope are what the call is about, for messages: where it
	// posts, or whom it looks for, and what the app needs for it.
	channel, scope string

	status int // zero while there is no answer
	after  time.Duration
	body   []byte
}

// maxAnswer is how much of an answer is read. Slack's repeats the message, which
// can be fifty blocks of three thousand characters, each written as an escape.
const maxAnswer = 4 << 20

// notSlack is said of an answer that Slack would not give.
const notSlack = "the answer is none of Slack's: is something else between heed and Slack?"

// Do makes the request.
func (e *exchange) Do(request *http.Request) (*http.Response, error) {
	response, err := e.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	e.status = response.StatusCode
	e.after = outbound.RetryAfter(response.Header.Get("Retry-After"), time.Now())
	// A body that breaks off is no JSON, which says enough.
	e.body, _ = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	response.Body = io.NopCloser(bytes.NewReader(e.body))
	return response, nil
}

// outcome says what a call of Slack's API came to. renewable says that another
// token may come while heed runs.
func (e *exchange) outcome(err error, renewable bool, secrets ...string) actions.Outcome {
	if e.status == 0 && err != nil {
		return outbound.Failed(err, secrets...)
	}
	terms := outbound.Terms{Expect: []int{http.StatusOK}, Renewable: renewable}
	o := terms.Judge(e.status, nil, e.after)
	o.Response = outbound.Excerpt(e.body, secrets...)
	var refused slackgo.SlackErrorResponse
	excerpt := func(text string) string { return outbound.Excerpt([]byte(text), secrets...) }
	switch {
	case e.status == http.StatusTooManyRequests:
		o.Error = "Slack asks to slow down"
	case e.status != http.StatusOK:
		o.Error = "Slack answered " + strings.TrimSpace(strconv.Itoa(e.status)+" "+http.StatusText(e.status))
	case errors.As(err, &refused):
		e.refuse(&o, refused.Err, renewable)
		o.Error = "Slack: " + explained(excerpt(refused.Err), e.channel, cmp.Or(excerpt(refused.Needed), e.scope))
	case err != nil || !e.isOK():
		o.Verdict, o.Cause, o.Error = actions.Retry, actions.CauseServer, notSlack
	}
	return o
}

// refuse sets what follows from one of Slack's errors.
func (e *exchange) refuse(o *actions.Outcome, code string, renewable bool) {
	o.Verdict, o.After = actions.Dead, e.after
	switch {
	case slowDown[code] || e.after > 0:
		o.Verdict, o.Cause = actions.Retry, actions.CauseThrottled
	case temporary[code]:
		o.Verdict, o.Cause = actions.Retry, actions.CauseServer
	case badToken[code] && renewable:
		o.Verdict, o.Cause, o.Attempts = actions.Retry, actions.CauseServer, outbound.Renewals
	}
}

// isOK says whether the answer says so. The library takes an answer without an
// error for a good one.
func (e *exchange) isOK() bool {
	var answer struct{ OK bool }
	return json.Unmarshal(e.body, &answer) == nil && answer.OK
}

// slowDown are Slack's errors that ask for fewer messages, temporary those that
// pass by themselves, badToken those that another token would fix.
var (
	slowDown  = map[string]bool{"ratelimited": true, "rate_limited": true, "message_limit_exceeded": true}
	temporary = map[string]bool{
		"internal_error": true, "fatal_error": true, "service_unavailable": true, "request_timeout": true,
		"team_added_to_org": true, "org_login_required": true, "accesslimited": true,
	}
	badToken = map[string]bool{"invalid_auth": true, "not_authed": true, "token_revoked": true, "token_expired": true}
)

// remedies are what to do about the errors that people meet; %s is the channel,
// or the person.
var remedies = map[string]string{
	"channel_not_found": "there is no channel %s that the app can see: correct the name, or invite the app to " +
		"the private channel",
	"not_in_channel":      "the app is not in %s: invite it there with /invite",
	"is_archived":         "%s is archived: name another channel",
	"channel_is_archived": "%s is archived: name another channel",
	"team_not_found": "the token is for a whole organisation, in which a channel's name is not enough: write " +
		"the channel's id instead of %s",
	"org_login_required":  "the workspace is moving into an organisation, which passes by itself",
	"team_added_to_org":   "the workspace is moving into an organisation, which passes by itself",
	"msg_blocks_too_long": "the blocks together are longer than Slack takes: spread them over several messages",
	"restricted_action":   "the workspace lets only some people post in %s: let an administrator allow the app there",

	"restricted_action_read_only_channel": "%s is read-only: let an administrator allow the app to post " +
		"there, or name another channel",
	"restricted_action_thread_only_channel":    "%s takes replies only: name another channel",
	"restricted_action_non_threadable_channel": "%s takes no replies: leave thread_per out",
	"restricted_action_thread_locked":          "the thread in %s is locked",
	"ekm_access_denied": "the organisation has suspended posting (Enterprise Key Management): " +
		"ask its administrators",
	"no_permission": "the app may not do this in %s: add the scope {scope}, install the " +
		"app again, and invite it",
	"not_allowed_token_type": "the token is not a bot's: take the Bot User OAuth Token, which " +
		"begins with xoxb-",
	"two_factor_setup_required": "the account behind the token has to set up two-factor " +
		"authentication: take a bot's token, or let its owner do so",
	"access_denied":    "the token may not use this: ask an administrator of the workspace",
	"accesslimited":    "Slack is limited to networks that heed is not in: let an administrator allow heed's address",
	"invalid_auth":     "the token is not valid: put a new one where the action's token is configured",
	"not_authed":       "the token is missing",
	"account_inactive": "the token's app or user was removed from the workspace",
	"token_revoked":    "the token was revoked: install the app again and put the new token in place",
	"token_expired":    "the token has expired: put a new one in place",
	"missing_scope":    "the app lacks the scope {scope}: add it and install the app again",
	"messages_tab_disabled": "the app takes no direct messages: switch the Messages Tab on " +
		"under App Home in its settings",
	"cannot_dm_bot":   "%s is an app, which takes no direct messages",
	"invalid_blocks":  "Slack does not accept the blocks: check them in Slack's Block Kit Builder",
	"msg_too_long":    "the message is longer than Slack takes",
	"no_text":         "the message is empty",
	"no_service":      "the webhook was removed: make a new one and put its address in place",
	"no_active_hooks": "the webhook was switched off: make a new one and put its address in place",
}

// explained returns one of Slack's errors with what to do about it.
func explained(code, channel, scope string) string {
	remedy, known := remedies[code]
	if !known {
		return code
	}
	remedy = strings.ReplaceAll(remedy, "{scope}", scope)
	if strings.Contains(remedy, "%s") {
		remedy = fmt.Sprintf(remedy, channel)
	}
	return code + ": " + remedy
}
