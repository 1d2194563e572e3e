package receiver

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// A form describes the secrets of a keyring as their scheme uses them.
type form struct {
	// plural and wanted are for messages: what the secrets are, and what to write.
	// changed is logged when they change.
	plural, wanted, changed string
	// keyPrefix is source.HMAC.KeyPrefix.
	keyPrefix string
}

var (
	publishedForm = form{
		plural: "signing secrets", wanted: "the signing secret that MindTickle shows",
		changed: "signing secrets changed",
	}
	tokenForm    = form{plural: "tokens", wanted: "the token", changed: "tokens changed"}
	passwordForm = form{plural: "passwords", wanted: "the password", changed: "passwords changed"}
)

// signingForm returns the form of signing secrets of a source's own.
func signingForm(keyPrefix string) form {
	f := publishedForm
	f.wanted, f.keyPrefix = "the signing secret", keyPrefix
	return f
}

// keys returns the keys for secrets as they are written.
func (f form) keys(texts []string) ([]string, error) {
	keys := make([]string, len(texts))
	for i, text := range texts {
		key, err := f.key(text)
		if err != nil {
			return nil, fmt.Errorf("secret %d: %w", i+1, err)
		}
		keys[i] = key
	}
	return keys, nil
}

func (f form) key(text string) (string, error) {
	if err := checkSlips(text); err != nil || f.keyPrefix == "" {
		return text, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, f.keyPrefix))
	if err != nil || len(key) == 0 {
		// The decoder's own error is not passed on, since it could quote the secret.
		return "", errors.New("it is not base64, with or without " + f.keyPrefix + " in front: copy all of the secret")
	}
	return string(key), nil
}

// checkSlips rejects what surely is not meant as a secret: text mangled by an editor or a
// shell verifies nothing, and the reason would be invisible.
func checkSlips(text string) error {
	switch {
	case strings.ContainsAny(text, "\x00") || strings.HasPrefix(text, "\xff\xfe") ||
		strings.HasPrefix(text, "\xfe\xff"):
		return errors.New("the text is in UTF-16: save it as UTF-8")
	case len(text) > 1 && (text[0] == '"' || text[0] == '\'') && text[len(text)-1] == text[0]:
		return errors.New("it stands in quotes: write it without")
	default:
		return nil
	}
}
