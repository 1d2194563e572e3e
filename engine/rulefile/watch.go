package rulefile

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"heed/engine/document"
)

// Intervals of a reload. After a notification from the file system, Watcher waits until
// the files have been quiet, but not indefinitely. Polling finds changes without
// notifications, as on network file systems.
const (
	quiet     = 100 * time.Millisecond
	mostQuiet = time.Second
	poll      = 2 * time.Second
	unstable  = 50 * time.Millisecond
)

// A Watcher keeps the active rule set in step with its files. If a change does not
// compile, the active set stays as it is.
type Watcher struct {
	Path     string
	Compiler *Compiler
	// Check, if not nil, returns further problems of a set that compiles, such as failing
	// tests. If there are any, the set is not activated.
	Check func(*Loaded) []document.Problem
	// Activate is called with a compiled set before it becomes the current one. If it
	// returns an error, the old set stays current.
	Activate func(context.Context, *Loaded) error
	// Observe, if not nil, is called after every attempt that is not a repetition. The
	// context is that of Reload or Run, and may have ended.
	Observe func(context.Context, Attempt)
	Log     *slog.Logger
	Now     func() time.Time

	current atomic.Pointer[Loaded]

	mu     sync.Mutex // allows one attempt at a time
	failed string     // identifies what the last attempt failed on; empty after a success
}

// An Attempt is one attempt to load the rules.
type Attempt struct {
	At time.Time
	// Err is nil if the rules are now active.
	Err error
	// Problems are the problems of the rule files, including warnings.
	Problems []document.Problem
	Loaded   *Loaded
	// Before is the set that was active before; nil at the start.
	Before *Loaded
}

// A ProblemsError says that rule files have errors.
type ProblemsError struct{ Problems []document.Problem }

// Error returns the first error and the number of problems.
func (e *ProblemsError) Error() string {
	for i := range e.Problems {
		if e.Problems[i].Severity == document.Error {
			return e.Problems[i].String()
		}
	}
	return "the rules have problems"
}

var errUnstable = errors.New("the rule files keep changing while they are read")

// Current returns the active rule set, or nil before the first success.
func (w *Watcher) Current() *Loaded { return w.current.Load() }

// Reload reads the rules now, whether or not they changed. The error is a *ProblemsError
// if the files could be read but not used.
func (w *Watcher) Reload(ctx context.Context) error { return w.attempt(ctx, true) }

// Run watches the files until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	hints := make(chan struct{}, 1)
	go w.follow(ctx, hints)
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-hints:
			w.settle(ctx, hints)
		}
		_ = w.attempt(ctx, false) // errors are passed to Observe
	}
}

// settle waits until no hint has arrived for a while.
func (w *Watcher) settle(ctx context.Context, hints <-chan struct{}) {
	deadline := time.NewTimer(mostQuiet)
	defer deadline.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-deadline.C:
			return
		case <-time.After(quiet):
			return
		case <-hints:
		}
	}
}

// follow turns file system events into hints. It watches directories instead of files: a
// watch on a file is lost when an editor or Kubernetes replaces the file. It ignores file
// names, since the swap of a ConfigMap never mentions the rule file's.
func (w *Watcher) follow(ctx context.Context, hints chan<- struct{}) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		w.Log.Warn("rules: no file notifications, so changes take up to two seconds", "error", err)
		return
	}
	defer watcher.Close()
	watched := map[string]bool{}
	watch := func() {
		for _, dir := range w.directories() {
			if watched[dir] {
				continue
			}
			watched[dir] = true
			if err := watcher.Add(dir); err != nil {
				w.Log.Warn("rules: cannot watch the directory, so changes take up to two seconds", "dir", dir, "error",
					err)
			}
		}
	}
	watch()
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	hint(hints) // for changes before the watch began
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			watch() // the rules may now name tables elsewhere
		case e, ok := <-watcher.Events:
			if !ok {
				return
			}
			if e.Op != fsnotify.Chmod {
				hint(hints)
			}
		case err, ok := <-watcher.Errors:
			if !ok {
				return
			}
			w.Log.Warn("rules: file notifications", "error", err)
		}
	}
}

func hint(hints chan<- struct{}) {
	select {
	case hints <- struct{}{}:
	default: // a hint is already pending
	}
}

// directories returns the directories to watch for changes of the rules and their tables:
// the directory of each file and, through symbolic links, the real one.
func (w *Watcher) directories() []string {
	dirs := directoriesOf(w.Path)
	if current := w.current.Load(); current != nil {
		for _, t := range current.Tables {
			dirs = append(dirs, directoriesOf(t.Name)...)
		}
	}
	return dirs
}

func directoriesOf(path string) []string {
	dirs := []string{}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		dirs = append(dirs, path)
	} else {
		dirs = append(dirs, filepath.Dir(path))
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		if info, err := os.Stat(real); err == nil && !info.IsDir() {
			real = filepath.Dir(real)
		}
		if real != filepath.Clean(dirs[0]) {
			dirs = append(dirs, real)
		}
	}
	return dirs
}

// attempt retries until the files do not change during a try.
func (w *Watcher) attempt(ctx context.Context, force bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		err := w.try(ctx, force)
		if !errors.Is(err, errUnstable) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(unstable):
		}
	}
}

// try reads, compiles and activates the rules. Unless forced, it does nothing if the
// contents are those of the active set, or those it failed on before.
func (w *Watcher) try(ctx context.Context, force bool) error {
	snapshot, err := Read(w.Path)
	if err != nil {
		return w.fail(ctx, err.Error(), force, err, nil)
	}
	current := w.current.Load()
	if !force && current != nil && snapshot.Hash == current.Hash && w.failed == "" || !force && w.failed == snapshot.Hash {
		return nil
	}
	loaded, problems := w.Compiler.Compile(snapshot)
	if again, err := Read(w.Path); err != nil || again.Hash != snapshot.Hash {
		return errUnstable
	}
	if loaded == nil {
		return w.fail(ctx, snapshot.Hash, force, &ProblemsError{problems}, problems)
	}
	if w.Check != nil {
		if failed := w.Check(loaded); len(failed) > 0 {
			problems = append(failed, problems...)
			return w.fail(ctx, snapshot.Hash, force, &ProblemsError{problems}, problems)
		}
	}
	if err := w.Activate(ctx, loaded); err != nil {
		return w.fail(ctx, "activate "+snapshot.Hash, force, err, problems)
	}
	w.failed = ""
	w.current.Store(loaded)
	w.observe(ctx, Attempt{At: w.Now(), Problems: problems, Loaded: loaded, Before: current})
	return nil
}

// fail reports a failure, once for each content that fails.
func (w *Watcher) fail(ctx context.Context, on string, force bool, err error, problems []document.Problem) error {
	if w.failed != on || force {
		w.failed = on
		w.observe(ctx, Attempt{At: w.Now(), Err: err, Problems: problems})
	}
	return err
}

func (w *Watcher) observe(ctx context.Context, a Attempt) {
	if w.Observe != nil {
		w.Observe(ctx, a)
	}
}
