package email

import "fmt"

// login is how heed logs in; empty if the server wants none.
type login struct {
	username, password string
	plainName          bool
	renewable          bool // it may be another one soon
}

// login reads the credentials, which may have changed since the last attempt.
func (a *action) login() (l login, err error) {
	if !a.username.IsSet() || !a.password.IsSet() {
		return login{}, nil
	}
	if l.username, err = a.username.Value(); err != nil {
		return login{}, fmt.Errorf("username: %w", err)
	}
	if l.password, err = a.password.Value(); err != nil {
		return login{}, fmt.Errorf("password: %w", err)
	}
	l.plainName, l.renewable = a.plainName, a.password.IsRenewable() || a.username.IsRenewable()
	return l, nil
}

// secrets are what must not show in an outcome: the password, both together
// as AUTH PLAIN sends them, and the username unless it stands in the rule file
// anyway.
func (l login) secrets() []string {
	if l.password == "" {
		return nil
	}
	secrets := []string{l.password, "\x00" + l.username + "\x00" + l.password}
	if !l.plainName {
		secrets = append(secrets, l.username)
	}
	return secrets
}
