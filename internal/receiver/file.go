package receiver

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"
)

// maxFile is the size above which a file is surely neither a secret nor a certificate.
const maxFile = 1 << 20

// settleTime is the age from which a file's modification time is trusted. Two writes
// within one tick of a file system's clock (two seconds on the coarsest) look alike, so a
// more recent file is read again each time.
const settleTime = 2 * time.Second

// errBeingWritten says that a file changed while it was read. The next check will find
// out more.
var errBeingWritten = errors.New("the file is being written")

// watchedFile is a file whose content may change while the program runs. It
// is compared by identity, size and modification time, through symbolic links,
// so that a rename, a write in place and a swapped Kubernetes volume are all
// seen. It needs no notification and so works on every file system. One
// goroutine at a time uses it.
type watchedFile struct {
	path    string
	seen    os.FileInfo // what was read last; nil: nothing, or it was unstable
	settled bool
}

// changed reports whether the file may differ from what read returned last.
func (f *watchedFile) changed() (bool, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		f.seen = nil // what appears there next is new, whatever it looks like
		return false, err
	}
	return f.seen == nil || !f.settled || !sameContent(f.seen, info), nil
}

// read returns the whole content, or errBeingWritten if that would be half of
// one and half of another.
func (f *watchedFile) read() ([]byte, error) {
	f.seen, f.settled = nil, false
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	before, err := file.Stat()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes: is it the right file?", f.path, maxFile)
	}
	after, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !sameContent(before, after) {
		return nil, fmt.Errorf("%s: %w", f.path, errBeingWritten)
	}
	f.seen, f.settled = before, start.Sub(before.ModTime()) > settleTime
	return content, nil
}

func sameContent(a, b os.FileInfo) bool {
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}

// A complaint logs why a file could not be used, once, until the reason changes or
// disappears.
type complaint struct {
	log  *slog.Logger
	last string
}

func (c *complaint) about(message string, err error) {
	if err.Error() == c.last || errors.Is(err, errBeingWritten) {
		return
	}
	c.last = err.Error()
	c.log.Warn(message, "error", err)
}

func (c *complaint) settled(message string) {
	if c.last == "" {
		return
	}
	c.last = ""
	c.log.Info(message)
}
