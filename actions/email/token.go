package email

import (
	"context"
	"errors"

	"heed/actions"
	"heed/actions/connect"
	"heed/actions/outbound"
)

// refusedLogin is the reply code with which a server refuses credentials.
const refusedLogin = 535

// readOAuth2 takes oauth2, whose token stands for the password (XOAUTH2).
func (a *action) readOAuth2(c *actions.Config) {
	if a.oauth2 = connect.OAuth2(c); a.oauth2 == nil {
		return
	}
	if a.password.IsSet() {
		c.Report().Errorf(c.Take("oauth2").Place(), "two-authorizations", "%s has both oauth2 and a password",
			c.What()).
			Suggest("leave out password, or oauth2")
	}
	if !a.username.IsSet() {
		c.Report().Errorf(c.Take("oauth2").Place(), "missing-key", "%s has oauth2 and no username", c.What()).
			Suggest("write username: and the mailbox that is sent from, such as enablement@example.com")
	}
}

// addToken gets the token for a login.
func (a *action) addToken(ctx context.Context, l *login) error {
	client, err := a.network.Client()
	if err != nil {
		return err
	}
	l.renewable = l.renewable || a.oauth2.ClientSecret.IsRenewable()
	token, failed := a.oauth2.Token(ctx, client)
	if failed != nil {
		return failed
	}
	l.token = token
	return nil
}

// renew replaces a token that the server refused, once: it may have been revoked
// before its time. ok says that there is another.
func (a *action) renew(ctx context.Context, l login, refusal error) (renewed login, ok bool) {
	if l.token == nil || replyCode(refusal) != refusedLogin {
		return l, false
	}
	l.token.Discard()
	if l.token.Fresh {
		return l, false
	}
	renewed, err := a.login(ctx)
	return renewed, err == nil
}

// noLogin returns the outcome of a send without credentials.
func noLogin(err error) actions.Outcome {
	if e, ok := errors.AsType[*outbound.TokenError](err); ok {
		return e.Outcome()
	}
	return actions.Outcome{Verdict: actions.Retry, Error: err.Error()}
}
