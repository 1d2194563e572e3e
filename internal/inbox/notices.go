package inbox

import (
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// maxNew is how many names of new files are kept between two scans. A file whose name is
// not kept waits until it has settled.
const maxNew = 10_000

// notices are the notifications of the file system; there are none without a watcher.
type notices struct {
	watcher *fsnotify.Watcher
	// hints receives a value when there is a new file.
	hints chan struct{}
	log   *slog.Logger
	done  chan struct{}

	mu      sync.Mutex
	created map[string]bool
}

func listen(log *slog.Logger) (*notices, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	n := &notices{
		watcher: watcher, hints: make(chan struct{}, 1), log: log, done: make(chan struct{}),
		created: map[string]bool{},
	}
	go n.follow()
	return n, nil
}

func (n *notices) close() {
	_ = n.watcher.Close() // nothing is lost
	<-n.done
}

// follow listens until the watcher is closed.
func (n *notices) follow() {
	defer close(n.done)
	for {
		select {
		case e, ok := <-n.watcher.Events:
			if !ok {
				return
			}
			if e.Has(fsnotify.Create) && !isUnfinished(filepath.Base(e.Name)) {
				n.add(filepath.Clean(e.Name))
			}
		case err, ok := <-n.watcher.Errors:
			if !ok {
				return
			}
			n.log.Warn("files: notifications", "error", err)
		}
	}
}

func (n *notices) add(path string) {
	n.mu.Lock()
	if len(n.created) < maxNew {
		n.created[path] = true
	}
	n.mu.Unlock()
	select {
	case n.hints <- struct{}{}:
	default: // a hint is already pending
	}
}

// take returns the files that appeared since the last call.
func (n *notices) take() map[string]bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	created := n.created
	n.created = map[string]bool{}
	return created
}

// watch watches exactly these directories from now on. A directory that was replaced is
// watched again. It returns the directories that cannot be watched.
func (n *notices) watch(dirs map[string][]string) map[string]error {
	if n.watcher == nil {
		return nil
	}
	failed := map[string]error{}
	wanted := map[string]bool{}
	watched := n.watcher.WatchList()
	for _, of := range dirs {
		for _, dir := range of {
			wanted[dir] = true
			if slices.Contains(watched, dir) {
				continue
			}
			if err := n.watcher.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				failed[dir] = err
			}
		}
	}
	for _, dir := range watched {
		if !wanted[dir] {
			_ = n.watcher.Remove(dir) // it may already be gone
		}
	}
	return failed
}
