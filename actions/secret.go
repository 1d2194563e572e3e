package actions

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// Masked is what a secret prints as, everywhere.
const Masked = "***"

// Secret is a token, password or secret URL from the environment or a file. It
// prints as Masked in every form; only Value gives it away. The zero Secret is
// not set.
type Secret struct {
	literal string
	file    string
	set     bool
}

// NewSecret is a secret with a known value.
func NewSecret(value string) Secret { return Secret{literal: value, set: true} }

// FileSecret is a secret that is read from a file whenever it is used, so that
// it can be rotated without a reload.
func FileSecret(path string) Secret { return Secret{file: path, set: true} }

// IsSet says whether the configuration named the secret at all.
func (s Secret) IsSet() bool { return s.set }

// Value is the secret itself. It is an error if its file cannot be read or if
// it is empty.
func (s Secret) Value() (string, error) {
	value := s.literal
	if s.file != "" {
		text, err := os.ReadFile(s.file)
		if err != nil {
			return "", fmt.Errorf("read secret: %w", err)
		}
		value = strings.TrimSpace(string(text))
	}
	if value == "" {
		return "", fmt.Errorf("the secret is empty%s", s.where())
	}
	return value, nil
}

func (s Secret) where() string {
	if s.file == "" {
		return ""
	}
	return " in " + s.file
}

// String masks the secret.
func (s Secret) String() string { return Masked }

// GoString masks the secret.
func (s Secret) GoString() string { return Masked }

// Format masks the secret under every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Masked) }

// MarshalJSON masks the secret.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(Masked) }

// LogValue masks the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Masked) }
