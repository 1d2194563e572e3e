package email

import (
	"context"
	"fmt"

	gomail "github.com/wneessen/go-mail"

	"heed/actions"
	"heed/actions/outbound"
)

// login is how heed logs in; empty if the server wants none.
type login struct {
	username, password string
	plainName          bool
	renewable          bool            // it may be another one soon
	token              *outbound.Token // if it stands for the password
}

// readLogin reads username, and password or oauth2.
func (a *action) readLogin(c *actions.Config) {
	if node := c.Take("username"); node != nil {
		a.username, a.plainName = c.SecretOf("username", node, false), node.IsScalar()
	}
	a.password = c.Secret("password")
	a.readOAuth2(c)
	if a.oauth2 == nil && a.username.IsSet() != a.password.IsSet() {
		c.Report().Errorf(c.Node().Place(), "missing-key", "%s needs both username and password, or neither", c.What()).
			Suggest("write username: {env: SMTP_USERNAME} and password: {env: SMTP_PASSWORD}")
	}
	if a.mode == "none" && (a.password.IsSet() || a.oauth2 != nil) {
		what := "its password"
		if a.oauth2 != nil {
			what = "its token"
		}
		c.Report().Errorf(c.Take("tls").Place(), "plain-password", "%s would send %s unencrypted", c.What(), what).
			Suggest("write tls: starttls")
	}
}

// login reads the credentials, which may have changed since the last attempt, or
// gets a token. The error is a *outbound.TokenError if there is none.
func (a *action) login(ctx context.Context) (l login, err error) {
	if !a.username.IsSet() || !a.password.IsSet() && a.oauth2 == nil {
		return login{}, nil
	}
	if l.username, err = a.username.Value(); err != nil {
		return login{}, fmt.Errorf("username: %w", err)
	}
	l.plainName, l.renewable = a.plainName, a.password.IsRenewable() || a.username.IsRenewable()
	if a.oauth2 != nil {
		return l, a.addToken(ctx, &l)
	}
	if l.password, err = a.password.Value(); err != nil {
		return login{}, fmt.Errorf("password: %w", err)
	}
	return l, nil
}

// mechanisms are the ways to log in with a password, the safest first. All run inside
// TLS only, so PLAIN comes before the ancient ones.
var mechanisms = []gomail.SMTPAuthType{
	gomail.SMTPAuthSCRAMSHA256PLUS, gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1PLUS, gomail.SMTPAuthSCRAMSHA1,
	gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5,
}

// options returns the library's options for logging in.
func (l login) options() []gomail.Option {
	switch {
	case l.token != nil:
		return []gomail.Option{
			gomail.WithSMTPAuth(gomail.SMTPAuthXOAUTH2), gomail.WithUsername(l.username),
			gomail.WithPassword(l.token.Access),
		}
	case l.password != "":
		return []gomail.Option{
			gomail.WithOpportunisticSMTPAuth(mechanisms...), gomail.WithUsername(l.username),
			gomail.WithPassword(l.password),
		}
	default:
		return nil
	}
}

// secrets returns what must not show in an outcome: the password or the token, each
// also in the form in which AUTH sends it, and the username unless it is written in the
// rule file.
func (l login) secrets() (secrets []string) {
	switch {
	case l.token != nil:
		secrets = append(l.token.Secrets, "user="+l.username+"\x01auth=Bearer "+l.token.Access+"\x01\x01")
	case l.password != "":
		secrets = []string{l.password, "\x00" + l.username + "\x00" + l.password}
	default:
		return nil
	}
	if !l.plainName {
		secrets = append(secrets, l.username)
	}
	return secrets
}

// advice returns what to do when the server refuses the login.
func (l login) advice() string {
	if l.token != nil {
		return "check username and scopes, and that the client of oauth2 may send as this mailbox"
	}
	return "check username and password in the action's configuration"
}
