package inbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// The pause before a file that could not be read is tried again doubles, up to the
// longest.
const (
	firstPause   = time.Minute
	longestPause = time.Hour
)

// errChanged says that a file has changed since it was complete.
var errChanged = errors.New("the file changed or went away")

// take reads a file, and records the result.
func (i *Inbox) take(ctx context.Context, f *file) {
	err := i.read(ctx, f)
	switch {
	case ctx.Err() != nil:
	case err == nil:
		f.done = true
	case errors.Is(err, ErrPartly): // not remembered: another version may use all of it
		f.done, f.partly = true, true
	case errors.Is(err, errChanged):
		i.Log.Info("files: changed while it was read, so it is read again", "source", f.source, "file", f.path, "error",
			err)
		delete(i.files, f.key) // the next scan treats it as new
	default:
		pause := min(firstPause<<min(f.failures, 10), longestPause)
		f.failures++
		f.retry = i.Now().Add(pause)
		i.Log.Warn("files: cannot read", "source", f.source, "file", f.path, "error", err, "again_in", pause)
	}
}

// read reads a file and remembers it, unless its content is known. What is remembered is
// what was read, since the file is checked to be the same before and after.
func (i *Inbox) read(ctx context.Context, f *file) error {
	hash, err := hashOf(ctx, f)
	if err != nil {
		return err
	}
	known, err := i.Seen.SeenContent(ctx, f.source, hash)
	if err != nil {
		return fmt.Errorf("look up its content: %w", err)
	}
	if !known {
		err := i.Read(ctx, f.source, f.path)
		if err := errors.Join(f.unchanged(os.Stat(f.path)), err); err != nil {
			return err
		}
	}
	if err := i.Seen.Remember(ctx, f.source, f.path, Mark{f.info.Size(), f.info.ModTime(), hash}); err != nil {
		return fmt.Errorf("remember that it was read: %w", err)
	}
	return nil
}

// hashOf hashes a file, if it is still the one that was examined. Network file systems
// may return outdated information about a path, but not about an open file.
func hashOf(ctx context.Context, f *file) (string, error) {
	in, err := os.Open(f.path)
	if err != nil {
		return "", f.unchanged(nil, err)
	}
	defer in.Close()
	if err := f.unchanged(in.Stat()); err != nil {
		return "", err
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, &endedReader{ctx, in}); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), f.unchanged(in.Stat())
}

// unchanged returns errChanged if a file has changed or is gone.
func (f *file) unchanged(info os.FileInfo, err error) error {
	if errors.Is(err, fs.ErrNotExist) || err == nil && !same(info, f.info) {
		return errChanged
	}
	return err
}

// An endedReader stops reading when ctx ends, since a file of gigabytes takes a while.
type endedReader struct {
	ctx context.Context
	in  io.Reader
}

func (r *endedReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.in.Read(p)
}
