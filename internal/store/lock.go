package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// holder is the process that has a data directory open.
type holder struct {
	PID int `json:"pid"`
	// AdminURL is where its admin listener answers; empty if it has none or is
	// still starting.
	AdminURL string `json:"admin_url,omitempty"`
}

// LockedError says that another process has the data directory open.
type LockedError struct {
	Dir    string
	Holder holder // zero if it has not said who it is
}

// InUse says who has the directory open, without advice.
func (e *LockedError) InUse() string {
	who := "another process"
	if e.Holder.PID != 0 {
		who = fmt.Sprintf("process %d", e.Holder.PID)
	}
	return fmt.Sprintf("%s is in use by %s", e.Dir, who)
}

func (e *LockedError) Error() string {
	advice := "stop it, or use another data directory"
	if e.Holder.AdminURL != "" {
		advice = fmt.Sprintf("stop it, or talk to it at %s", e.Holder.AdminURL)
	}
	return e.InUse() + ": " + advice
}

// readHolder returns what the last process to open the data directory said of
// itself. After a crash that process is gone and its word still there: only a
// LockedError proves that somebody holds the directory. Without a word of
// anybody the error is fs.ErrNotExist.
func readHolder(dir string) (holder, error) {
	data, err := os.ReadFile(holderFile(dir))
	if err != nil {
		return holder{}, fmt.Errorf("read the store's holder: %w", err)
	}
	var h holder
	if err := json.Unmarshal(data, &h); err != nil {
		return holder{}, fmt.Errorf("read the store's holder: %s: %w", holderFile(dir), err)
	}
	return h, nil
}

func holderFile(dir string) string { return filepath.Join(dir, "holder.json") }

// writeHolder replaces the file in one step: a reader never sees half of it.
func writeHolder(dir string, h holder) error {
	data, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("write the store's holder: %w", err)
	}
	next := holderFile(dir) + ".new"
	if err := os.WriteFile(next, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the store's holder: %w", err)
	}
	if err := os.Rename(next, holderFile(dir)); err != nil {
		return fmt.Errorf("write the store's holder: %w", err)
	}
	return nil
}

// acquire takes the directory for this process, or returns a LockedError. The
// kernel drops the lock with the process, however it ends. The lock file stays
// when the lock goes: removing it would let two processes lock two files.
func acquire(dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if !got {
		// The holder may be just about to write its word; then Holder is zero.
		h, err := readHolder(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			h = holder{}
		}
		return nil, &LockedError{Dir: dir, Holder: h}
	}
	if err := writeHolder(dir, holder{PID: os.Getpid()}); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return lock, nil
}

// release takes the word back before the lock, so that it never removes the
// next holder's.
func release(dir string, lock *flock.Flock) error {
	err := os.Remove(holderFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, lock.Unlock())
}
