package outbound

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"heed/actions"
)

// OAuth2 gets access tokens for an action by its client credentials (RFC 6749,
// section 4.4).
type OAuth2 struct {
	TokenURL               string
	ClientID, ClientSecret actions.Secret
	// PlainID says that the id stands in the rule file, and is not a secret.
	PlainID  bool
	Scopes   []string
	Audience string
	// Params are what the endpoint wants beyond the standard, by their names; a
	// grant_type among them replaces client_credentials.
	Params map[string]actions.Secret
	// PlainParams are the names of those that are not secret.
	PlainParams []string

	// held keeps the token for as long as an action uses it.
	held atomic.Pointer[tokens]
}

// clients are the tokens of all OAuth 2 clients.
var clients shared[clientKey, tokens]

type clientKey struct {
	url, id          string
	secret, params   [sha256.Size]byte
	scopes, audience string
}

// Token is an access token.
type Token struct {
	Access string
	// Fresh says that it was got for this call, so that getting another one
	// cannot help.
	Fresh bool
	// Secrets never show in an outcome.
	Secrets []string

	from *tokens
}

// Discard says that the token was refused: the next one is another.
func (t *Token) Discard() { t.from.discard(t.Access) }

// Token returns an access token, which is kept until shortly before it expires.
func (o *OAuth2) Token(ctx context.Context, client *http.Client) (*Token, *TokenError) {
	id, err := o.ClientID.Value()
	if err != nil {
		return nil, &TokenError{host: o.host(), err: fmt.Errorf("client_id: %w", err)}
	}
	secret, err := o.ClientSecret.Value()
	if err != nil {
		return nil, &TokenError{host: o.host(), err: fmt.Errorf("client_secret: %w", err)}
	}
	secrets := []string{secret, id + ":" + secret}
	if !o.PlainID {
		secrets = append(secrets, id)
	}
	params, hidden, err := o.params()
	if err != nil {
		return nil, &TokenError{host: o.host(), err: err}
	}
	secrets = append(secrets, hidden...)
	from := o.tokens(id, secret, params)
	access, fresh, err := from.get(ctx, client)
	if err != nil {
		return nil, &TokenError{host: o.host(), err: err, secrets: secrets}
	}
	return &Token{Access: access, Fresh: fresh, Secrets: append(secrets, access), from: from}, nil
}

// params returns the parameters of a token request beyond the standard's.
func (o *OAuth2) params() (params url.Values, secrets []string, err error) {
	params = url.Values{}
	if o.Audience != "" {
		params.Set("audience", o.Audience)
	}
	for name, secret := range o.Params {
		value, err := secret.Value()
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		params.Set(name, value)
		if !slices.Contains(o.PlainParams, name) {
			secrets = append(secrets, value)
		}
	}
	return params, secrets, nil
}

func (o *OAuth2) tokens(id, secret string, params url.Values) *tokens {
	scopes := strings.Join(o.Scopes, " ")
	key := clientKey{
		o.TokenURL, id, sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(params.Encode())), scopes, o.Audience,
	}
	t, _ := clients.get(key, func() (*tokens, error) {
		return &tokens{now: time.Now, style: oauth2.AuthStyleInHeader, config: clientcredentials.Config{
			TokenURL: o.TokenURL, ClientID: id, ClientSecret: secret, Scopes: o.Scopes,
			EndpointParams: params,
		}}, nil
	})
	o.held.Store(t)
	return t
}

func (o *OAuth2) host() string {
	u, err := url.Parse(o.TokenURL)
	if err != nil {
		return "the token endpoint"
	}
	return u.Host
}

// Do sends a request with a token, and says what became of it. A token that is
// refused is replaced once: it may have been revoked before its time.
func (o *OAuth2) Do(client *http.Client, request *http.Request, terms Terms) actions.Outcome {
	secrets := terms.Secrets
	terms.Renewable = terms.Renewable || o.ClientSecret.IsRenewable()
	for first := true; ; first = false {
		token, err := o.Token(request.Context(), client)
		if err != nil {
			return err.Outcome()
		}
		terms.Secrets = append(secrets[:len(secrets):len(secrets)], token.Secrets...)
		try := request.Clone(request.Context())
		if request.GetBody != nil {
			try.Body, _ = request.GetBody() // of bytes in memory, which never fails
		}
		try.Header.Set("Authorization", "Bearer "+token.Access)
		outcome, status := roundTrip(client, try, terms)
		if status != http.StatusUnauthorized || outcome.Verdict == actions.Done {
			return outcome
		}
		token.Discard()
		if token.Fresh || !first {
			return outcome
		}
	}
}

// TokenError says why there is no access token.
type TokenError struct {
	host    string
	err     error
	secrets []string
}

// Error names the endpoint, and no secret.
func (e *TokenError) Error() string { return e.Outcome().Error }

// Outcome returns the outcome of a send for which there was no token. That says nothing
// about the delivery, so another attempt can succeed, whatever the reason.
func (e *TokenError) Outcome() actions.Outcome {
	o := Failed(e.err, e.secrets...)
	o.Verdict = actions.Retry
	if errors.Is(e.err, context.Canceled) {
		return o
	}
	o.Cause = actions.CauseServer
	if refused, ok := errors.AsType[*oauth2.RetrieveError](e.err); ok {
		o.After = RetryAfter(refused.Response.Header.Get("Retry-After"), time.Now())
		o.Error = refusal(refused, e.secrets)
	} else if strings.HasPrefix(e.err.Error(), "oauth2: ") { // of an answer that could not be read
		o.Error = errNoToken.Error()
	}
	if o.After > 0 {
		o.Cause = actions.CauseThrottled
	}
	o.Error = "no access token from " + e.host + ": " + o.Error
	return o
}

// refusal says how an endpoint refused a token. Of its answer it has no more than
// the standard's words for errors: the rest could hold a token.
func refusal(e *oauth2.RetrieveError, secrets []string) string {
	status := e.Response.StatusCode
	text := strings.TrimSpace(fmt.Sprintf("answered %d %s", status, http.StatusText(status)))
	if said := strings.TrimSpace(e.ErrorCode + " " + e.ErrorDescription); said != "" {
		text += ", " + Excerpt([]byte(said), secrets...)
	}
	advice := map[string]string{
		"invalid_client":      "check client_id and client_secret",
		"unauthorized_client": "allow the client credentials grant for this client",
		"invalid_scope":       "check scopes",
		"invalid_target":      "check audience",
	}[e.ErrorCode]
	if status/100 == 3 {
		advice = "redirects are not followed, configure the final address as token_url"
	}
	if status == http.StatusNotFound {
		advice = "check token_url"
	}
	if isRefusal(status) {
		advice = cmp.Or(advice, "check client_id, client_secret, scopes and audience")
	}
	if advice != "" {
		text += "; " + advice
	}
	return text
}
