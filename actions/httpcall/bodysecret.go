package httpcall

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"heed/actions"
)

// withSecrets puts the secrets of a body in their places, now that it is sent.
func (a *action) withSecrets(encoding string, body []byte, held []actions.HeldSecret) ([]byte, []string, error) {
	var secrets []string
	for _, h := range held {
		value, err := a.config.Find(h.SecretRef).Value()
		if err != nil {
			return nil, nil, fmt.Errorf("the secret at %s of the body: %w", h.At, err)
		}
		if body, err = setSecret(encoding, body, h.At, value); err != nil {
			return nil, nil, fmt.Errorf("the secret at %s of the body: %w", h.At, err)
		}
		secrets = append(secrets, value)
	}
	return body, secrets, nil
}

func setSecret(encoding string, body []byte, at, value string) ([]byte, error) {
	if encoding == "json" {
		return actions.SetAt(body, at, value)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	form.Set(strings.TrimPrefix(at, "/"), value)
	return []byte(form.Encode()), nil
}

// hasFile says whether one of the secrets is a file, which can be renewed.
func hasFile(held []actions.HeldSecret) bool {
	return slices.ContainsFunc(held, func(h actions.HeldSecret) bool { return h.File != "" })
}

// withMasks returns a form with masks in place of its secrets.
func withMasks(body string, held []actions.HeldSecret) string {
	for _, h := range held {
		masked, _ := setSecret("form", []byte(body), h.At, actions.Masked) // of what was just encoded
		body = string(masked)
	}
	return body
}
