package inbox

import (
	"cmp"
	"context"
	"os"
	"slices"
	"time"
)

type key struct{ source, path string }

// A file is what is known of a file while it exists.
type file struct {
	key
	// info is how the file last looked; since is how long it has looked like that.
	info  os.FileInfo
	since time.Time
	// asked means that the memory was asked about the file; done, that its content was
	// read.
	asked, done bool
	// version is the version of the pattern; partly means that only a part of the file
	// could be used.
	version  string
	partly   bool
	failures int
	// retry is when the file may be read again after a failure.
	retry time.Time
}

// look finds the files and reads those that are complete.
func (i *Inbox) look(ctx context.Context) {
	defer i.trouble.endLook()
	patterns := i.Patterns()
	dirs := i.directories(patterns)
	i.watch(dirs)               // first, so that no new file goes unnoticed
	created := i.notices.take() // before the listing, which then includes them
	found := i.find(patterns, dirs)
	slices.SortFunc(found, byName)
	present := make(map[key]*file, len(found))
	for _, f := range found {
		present[f.key] = i.observe(f, created[f.path])
	}
	i.files = present // files that are gone are forgotten; the memory knows them
	for _, f := range found {
		if ctx.Err() != nil || !i.consider(ctx, present[f.key]) {
			return
		}
	}
}

func byName(a, b *file) int {
	return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.source, b.source))
}

func (i *Inbox) watch(dirs map[string][]string) {
	for dir, err := range i.notices.watch(dirs) {
		i.trouble.about("watch "+dir, "files: no notifications of the directory, so new files are found by looking",
			"dir", dir, "every", i.Poll, "error", err)
	}
}

// observe compares a file with how it looked before.
func (i *Inbox) observe(now *file, isNew bool) *file {
	f := i.files[now.key]
	if f == nil || !same(f.info, now.info) || f.partly && f.version != now.version {
		f = now
	}
	f.version = now.version
	if isNew && now.info.Size() > 0 && now.since.Sub(now.info.ModTime()) >= i.Settle {
		f.since = time.Time{} // renamed into place: see the package comment
	}
	return f
}

// same reports whether a file is unchanged. It ignores the file's identity, since on some
// file systems even its number differs from scan to scan.
func same(a, b os.FileInfo) bool { return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) }

// consider reads a file if it is complete and new. It returns false to end the scan, if
// nothing can be remembered.
func (i *Inbox) consider(ctx context.Context, f *file) bool {
	if !f.asked {
		mark, known, err := i.Seen.Seen(ctx, f.source, f.path)
		if err != nil {
			i.trouble.about("memory", "files: what was read cannot be looked up, so nothing is read", "error", err)
			return false
		}
		f.asked = true
		f.done = known && mark.Size == f.info.Size() && mark.ModTime.Equal(f.info.ModTime())
	}
	now := i.Now()
	if !f.done && now.Sub(f.since) >= i.Settle && !now.Before(f.retry) {
		i.take(ctx, f)
	}
	return true
}
