package actions

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"
)

// Masked is what a secret prints as, everywhere.
const Masked = "***"

// Secret is a token, password or secret URL from the environment or a file. It
// prints as Masked in every form; only Value gives it away. The zero Secret is
// not set.
type Secret struct {
	// A function, since fmt prints the fields of what it cannot call methods
	// on, such as a struct's unexported fields: of a function it shows only
	// the address.
	read func() (string, error)
	// renewable says that another value can come while heed runs.
	renewable bool
}

// NewSecret is a secret with a known value.
func NewSecret(value string) Secret {
	return Secret{read: func() (string, error) {
		if value == "" {
			return "", errors.New("the secret is empty")
		}
		return value, nil
	}}
}

// FileSecret is a secret that is read from a file whenever it is used, so that
// it can be rotated without a reload. White space round it is dropped.
func FileSecret(path string) Secret {
	return Secret{read: func() (string, error) { return readSecret(path) }, renewable: true}
}

// withPrefix is the secret with a text in front, such as "Bearer ", where the
// variable or the file holds the token alone.
func (s Secret) withPrefix(prefix string) Secret {
	if s.read == nil || prefix == "" {
		return s
	}
	read := s.read
	s.read = func() (string, error) {
		value, err := read()
		if err != nil {
			return "", err
		}
		return prefix + value, nil
	}
	return s
}

// maxSecret bounds a secret's file, in bytes.
const maxSecret = 64 << 10

func readSecret(path string) (string, error) {
	file, err := openRegular(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	switch value := strings.TrimSpace(string(text)); {
	case err != nil:
		return "", fmt.Errorf("read secret: %w", err)
	case len(text) > maxSecret:
		return "", fmt.Errorf("the secret in %s is longer than %d bytes; is it the right file?", path, maxSecret)
	case value == "":
		return "", fmt.Errorf("the secret in %s is empty", path)
	default:
		return value, nil
	}
}

// ReadFile reads a regular file of at most so many bytes that a configuration
// names, which is not a secret's.
func ReadFile(path string, most int) ([]byte, error) {
	file, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, int64(most)+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("%s is longer than %d bytes; is it the right file?", path, most)
	}
	return text, err
}

// openRegular opens a regular file and nothing else: opening a pipe waits for
// whoever writes to it, and opening a device may do anything. What takes the
// file's place after the first look does not block either, and is found out.
func openRegular(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, notRegular(path)
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notRegular(path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func notRegular(path string) error {
	return fmt.Errorf("%s is not a regular file: put what it holds into one", path)
}

// IsSet says whether the configuration named the secret at all.
func (s Secret) IsSet() bool { return s.read != nil }

// IsRenewable says whether the secret can have another value later, without a
// change of the configuration.
func (s Secret) IsRenewable() bool { return s.renewable }

// Value is the secret itself. It is an error if it is not set or empty, or if
// its file cannot be read.
func (s Secret) Value() (string, error) {
	if s.read == nil {
		return "", errors.New("the secret is not configured")
	}
	return s.read()
}

// String masks the secret.
func (s Secret) String() string { return Masked }

// GoString masks the secret.
func (s Secret) GoString() string { return Masked }

// Format masks the secret under every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Masked) }

// MarshalText masks the secret in JSON and whatever else is written as text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(Masked), nil }

// LogValue masks the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Masked) }
