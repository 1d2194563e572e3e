package receiver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// mask stands for a secret wherever one is printed.
const mask = "***"

// A Keyring holds the secrets of a source, at least one, any of which verifies a request.
// It is safe for concurrent use. However it is printed, logged or encoded, it reveals
// nothing.
type Keyring struct {
	form    form
	secrets atomic.Pointer[[]*secret]
	// source is nil if the secrets are fixed.
	source *secretFile
}

// A secretFile is the file from which a Keyring reads its secrets.
type secretFile struct {
	mu        sync.Mutex
	file      watchedFile
	complaint complaint
}

// ErrNoSecret says that heed was not given the signing secret of the published
// contract, and what to do.
var ErrNoSecret = errors.New(
	"no signing secret: put it into a file for --secret-file or into MINDTICKLE_WEBHOOK_SECRET")

// NewKeyring returns a Keyring of fixed signing secrets. Each argument may hold
// several, separated by white space, as an environment variable does. The
// error says what to do when there is none.
func NewKeyring(secrets ...string) (*Keyring, error) {
	texts := strings.Fields(strings.Join(secrets, " "))
	if len(texts) == 0 {
		return nil, ErrNoSecret
	}
	return newKeyring(texts, publishedForm)
}

func newKeyring(texts []string, f form) (*Keyring, error) {
	keys, err := f.keys(texts)
	if err != nil {
		return nil, err
	}
	k := &Keyring{form: f}
	k.set(keys)
	return k, nil
}

// NewFileKeyring returns a Keyring of the signing secrets in a file: one a line,
// with white space around them, blank lines and lines that start with # left out.
//
// The file is looked at for each request: a secret that was added verifies,
// and one that was removed is refused, from the next request on (or, among
// simultaneous requests, once a look that is under way is over). While the
// file is missing, empty or unreadable the former secrets stay, and log gets
// one warning; so a file may be replaced in any way, though only a rename
// shows others nothing but the old or the new one. It follows that emptying
// the file does not revoke its last secrets: stop the program for that.
//
// The error says what to do when the file cannot be read or has no secret.
func NewFileKeyring(path string, log *slog.Logger) (*Keyring, error) {
	return newFileKeyring(path, publishedForm, log)
}

func newFileKeyring(path string, f form, log *slog.Logger) (*Keyring, error) {
	k := &Keyring{form: f, source: &secretFile{
		file:      watchedFile{path: path},
		complaint: complaint{log: log},
	}}
	if _, err := k.load(); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.plural, err)
	}
	return k, nil
}

// accepts reports whether one of the secrets matches the request.
func (k *Keyring) accepts(matches func(*secret) bool) bool {
	// One goroutine's check of the file serves all requests that arrive meanwhile. That
	// is cheaper under load, and a hanging file system does not delay good requests.
	fresh := k.source == nil || k.tryRefresh()
	secrets := k.secrets.Load()
	if slices.ContainsFunc(*secrets, matches) {
		return true
	}
	if fresh {
		return false
	}
	// A good request must not be refused because of a check of the file that began before
	// it arrived.
	k.refresh()
	now := k.secrets.Load()
	return now != secrets && slices.ContainsFunc(*now, matches)
}

// tryRefresh checks the file unless another goroutine is doing so.
func (k *Keyring) tryRefresh() bool {
	if !k.source.mu.TryLock() {
		return false
	}
	defer k.source.mu.Unlock()
	k.reload()
	return true
}

func (k *Keyring) refresh() {
	k.source.mu.Lock()
	defer k.source.mu.Unlock()
	k.reload()
}

// reload takes over the file's secrets if they changed. If not, it costs one stat:
// measured, 2 microseconds, less than the request's own system calls. The caller must
// hold the source's lock.
func (k *Keyring) reload() {
	s := k.source
	changed, err := s.file.changed()
	if err == nil && !changed {
		return
	}
	replaced := false
	if err == nil {
		replaced, err = k.load()
	}
	if err != nil {
		s.complaint.about("secret file unusable, the former secrets stay", err)
		return
	}
	s.complaint.settled("secret file usable again")
	if replaced {
		s.complaint.log.Info(k.form.changed, "file", s.file.path, "count", len(*k.secrets.Load()))
	}
}

// load reads the file and reports whether its secrets have changed.
func (k *Keyring) load() (replaced bool, err error) {
	content, err := k.source.file.read()
	if err != nil {
		return false, err
	}
	path := k.source.file.path
	texts := parseSecrets(content)
	if len(texts) == 0 {
		return false, fmt.Errorf("%s holds no secret: write %s into it, one per line", path, k.form.wanted)
	}
	keys, err := k.form.keys(texts)
	if err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	return k.set(keys), nil
}

// set replaces the secrets, and reports whether they have changed.
func (k *Keyring) set(keys []string) (replaced bool) {
	before := k.secrets.Load()
	if before != nil && slices.EqualFunc(*before, keys, func(s *secret, key string) bool { return *s.key == key }) {
		return false
	}
	secrets := make([]*secret, len(keys))
	for i, key := range keys {
		secrets[i] = newSecret(key)
	}
	k.secrets.Store(&secrets)
	return true
}

// SecretsInFile returns the signing secrets in a file's content, in order, for code that
// signs. The error says why one of them cannot be used. There may be none.
func SecretsInFile(content []byte) ([]string, error) {
	return publishedForm.keys(parseSecrets(content))
}

// SecretsInVariable is like SecretsInFile, for the value of an environment variable.
func SecretsInVariable(value string) ([]string, error) {
	return publishedForm.keys(strings.Fields(value))
}

// parseSecrets parses a secret file. Some editors start a file with an invisible byte
// order mark, which would spoil the first secret.
func parseSecrets(content []byte) []string {
	var keys []string
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || slices.Contains(keys, line) {
			continue
		}
		keys = append(keys, line)
	}
	return keys
}

// String, GoString, Format, LogValue, MarshalText and MarshalJSON show that there are
// secrets and nothing of them.
func (k *Keyring) String() string { return mask }

// GoString is for %#v.
func (k *Keyring) GoString() string { return mask }

// Format is for every verb, %x and %+v among them.
func (k *Keyring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// LogValue is for log/slog.
func (k *Keyring) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText is for encoders other than JSON.
func (k *Keyring) MarshalText() ([]byte, error) { return []byte(mask), nil }

// MarshalJSON is for encoding/json.
func (k *Keyring) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }
