// Package inbox watches for files, such as reports that a system exports every
// night, and says when one is complete. It knows nothing of what is in a file, and
// never changes or deletes one. Package app joins it to what reads the rows.
//
// # When a file is complete
//
// Nothing marks the end of a file that another program writes, so a file counts
// as complete when its size and its modification time were the same in all looks
// for Options.Settle. One that changes after that all the same is read again.
//
// A file that was renamed into place is not made to wait if it can be told: if
// there was a notification that the name is new, and the file has a size and was
// modified longer than Settle ago. A file that is being written has a new
// modification time, so it is complete under its old name already; or its writer
// paused for as long as anybody else's may. This trusts the clock of the file
// system not to be behind by Settle. The notifications come from this machine
// only, where both clocks are the same unless the file system is a remote one.
//
// # What is skipped
//
// Programs that copy files give them another name until they are complete. So
// names that start with a dot or end in .tmp, .part, .filepart (WinSCP),
// .crdownload (Chrome) or ~ are skipped, even where a pattern matches them, and
// so is everything that is not a regular file. A symbolic link to one is followed.
package inbox

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// A Pattern says which files belong to a source.
type Pattern struct {
	// Source is the source's name.
	Source string
	// Glob is a pattern of filepath.Match, absolute or relative to the working
	// directory. Its directories need not exist yet.
	Glob string
	// Version changes when the source would make something else of a file. Files that
	// could be used only in part are then read again.
	Version string
}

// ErrPartly is returned by Read after reading a whole file of which only a part could be
// used. The file is not read again until it or the Version of its pattern changes; a file
// that no longer exists is forgotten.
var ErrPartly = errors.New("some of the file cannot be used")

// A Mark is what is remembered of a file that was read.
type Mark struct {
	Size int64
	// ModTime is as precise as the file system allows, usually nanoseconds.
	ModTime time.Time
	// Hash is the SHA-256 of the content in hex.
	Hash string
}

// A Memory remembers across restarts which files were read.
type Memory interface {
	// Seen returns what was last remembered of a source's file of that name, or false.
	Seen(ctx context.Context, source, path string) (Mark, bool, error)
	// SeenContent reports whether a file with that hash was ever remembered for the
	// source, under any name.
	SeenContent(ctx context.Context, source, hash string) (bool, error)
	// Remember is called when a file was read, or its content turned out to be known.
	Remember(ctx context.Context, source, path string, m Mark) error
}

// Options are what an Inbox needs.
type Options struct {
	// Patterns returns the patterns that are currently active.
	Patterns func() []Pattern
	// Read reads one complete file. It is called for one file at a time, in name order.
	// After an error, the file is read again when it changes, or after a pause that grows
	// from a minute to an hour; see also ErrPartly.
	Read func(ctx context.Context, source, path string) error
	Seen Memory
	// Settle is how long a file must be unchanged to be complete; 0 means 5 s.
	Settle time.Duration
	// Poll is how often the directories are scanned without a notification; 0 means 2 s.
	Poll time.Duration
	Now  func() time.Time
	Log  *slog.Logger
}

// gather is how long a scan waits for the other files of a batch.
const gather = 100 * time.Millisecond

// An Inbox watches for the files of all sources. It is run by one goroutine.
type Inbox struct {
	Options
	notices *notices
	files   map[key]*file
	trouble trouble
}

// New returns an Inbox.
func New(o Options) *Inbox {
	if o.Settle == 0 {
		o.Settle = 5 * time.Second
	}
	if o.Poll == 0 {
		o.Poll = 2 * time.Second
	}
	return &Inbox{Options: o, notices: &notices{}, files: map[key]*file{}, trouble: trouble{log: o.Log}}
}

// Run looks for files and reads them until ctx ends.
func (i *Inbox) Run(ctx context.Context) {
	if n, err := listen(i.Log); err != nil {
		i.Log.Warn("files: no notifications, so new files are found by looking", "every", i.Poll, "error", err)
	} else {
		i.notices = n
		defer n.close()
	}
	i.loop(ctx)
}

// loop scans at every poll and after every notification: network file systems send none,
// and some are lost.
func (i *Inbox) loop(ctx context.Context) {
	ticker := time.NewTicker(i.Poll)
	defer ticker.Stop()
	for {
		i.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-i.notices.hints:
			select {
			case <-ctx.Done():
				return
			case <-time.After(gather):
			}
		}
	}
}
