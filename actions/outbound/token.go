package outbound

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/singleflight"
)

// The bounds of getting a token, and of how long before its end it is renewed: a
// request that carries it takes a while to arrive.
const (
	tokenTimeout = 10 * time.Second
	renewEarly   = 30 * time.Second
	// earlyPart bounds renewEarly for tokens that live shortly: a fifth of their
	// life.
	earlyPart = 5
)

// tokens keeps the token of one OAuth 2 client, for all actions that have its
// credentials.
type tokens struct {
	config clientcredentials.Config
	now    func() time.Time
	flight singleflight.Group

	mu      sync.Mutex
	style   oauth2.AuthStyle // how the endpoint took the credentials last
	access  string           // empty if there is none
	renewAt time.Time        // zero: never
}

// errNoToken says that an answer was good but for the token in it.
var errNoToken = errors.New("its answer holds no access_token that can be used; check token_url")

// current returns the token, unless it has to be renewed.
func (t *tokens) current() (access string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.access == "" || !t.renewAt.IsZero() && !t.now().Before(t.renewAt) {
		return "", false
	}
	return t.access, true
}

// get returns the token; fresh says that it was got for this call. All who need
// one at the same time wait for the same request.
func (t *tokens) get(ctx context.Context, client *http.Client) (access string, fresh bool, err error) {
	if access, ok := t.current(); ok {
		return access, false, nil
	}
	answer := t.flight.DoChan("", func() (any, error) {
		if access, ok := t.current(); ok { // somebody was faster
			return access, nil
		}
		// The request is made for all who wait, so it does not end when the first of
		// them gives up.
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), tokenTimeout)
		defer stop()
		return t.fetch(context.WithValue(ctx, oauth2.HTTPClient, client))
	})
	select {
	case <-ctx.Done():
		return "", false, ctx.Err()
	case result := <-answer:
		if result.Err != nil {
			return "", false, result.Err
		}
		return result.Val.(string), true, nil
	}
}

// discard forgets a token that was refused, unless there is another by now.
func (t *tokens) discard(access string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.access == access {
		t.access = ""
	}
}

// fetch gets a token and keeps it.
func (t *tokens) fetch(ctx context.Context) (access string, err error) {
	asked := t.now()
	token, err := t.ask(ctx)
	if err != nil {
		return "", err
	}
	if !isUsable(token) {
		return "", errNoToken
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.access, t.renewAt = token.AccessToken, time.Time{}
	if !token.Expiry.IsZero() {
		life := token.Expiry.Sub(asked)
		t.renewAt = token.Expiry.Add(-min(renewEarly, life/earlyPart))
	}
	return t.access, nil
}

// ask asks for a token. Endpoints differ in how they accept the credentials, and the
// library's own way to find out asks a server that is down twice.
func (t *tokens) ask(ctx context.Context) (*oauth2.Token, error) {
	t.mu.Lock()
	config, other := t.config, oauth2.AuthStyleInParams
	config.AuthStyle = t.style
	t.mu.Unlock()
	if config.AuthStyle != oauth2.AuthStyleInHeader {
		other = oauth2.AuthStyleInHeader
	}
	token, err := config.Token(ctx)
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && isRefusal(refused.Response.StatusCode) {
		config.AuthStyle = other
		token, err = config.Token(ctx)
	}
	if err == nil {
		t.mu.Lock()
		t.style = config.AuthStyle
		t.mu.Unlock()
	}
	return token, err
}

// isRefusal says whether a status is one with which endpoints refuse credentials.
func isRefusal(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnauthorized
}

// isUsable says whether a token can stand in a header as a bearer token.
func isUsable(token *oauth2.Token) bool {
	return (token.TokenType == "" || strings.EqualFold(token.TokenType, "bearer")) &&
		!strings.ContainsFunc(token.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' })
}
