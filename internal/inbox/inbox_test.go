package inbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// memory is a Memory that counts what it is asked.
type memory struct {
	marks          map[key]Mark
	hashes         map[key]bool // with the hash as the path
	asked, hashed  int
	err            error
	onSeen, onMark func()
}

func newMemory() *memory { return &memory{marks: map[key]Mark{}, hashes: map[key]bool{}} }

func (m *memory) Seen(_ context.Context, source, path string) (Mark, bool, error) {
	m.asked++
	if m.onSeen != nil {
		m.onSeen()
	}
	mark, ok := m.marks[key{source, path}]
	return mark, ok, m.err
}

func (m *memory) SeenContent(_ context.Context, source, hash string) (bool, error) {
	m.hashed++
	return m.hashes[key{source, hash}], m.err
}

func (m *memory) Remember(ctx context.Context, source, path string, mark Mark) error {
	if err := errors.Join(ctx.Err(), m.err); err != nil {
		return err
	}
	m.marks[key{source, path}], m.hashes[key{source, mark.Hash}] = mark, true
	if m.onMark != nil {
		m.onMark()
	}
	return nil
}

// bench is an inbox of one directory, a clock and what came of it.
type bench struct {
	*testing.T
	dir      string
	inbox    *Inbox
	memory   *memory
	patterns []Pattern
	now      time.Time
	log      bytes.Buffer
	// read are the files that were read since the last check, by their names,
	// each with its content.
	read []string
	// onRead, if not nil, decides how reading a file ends.
	onRead func(path string) error
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, dir: t.TempDir(), memory: newMemory(), now: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)}
	b.patterns = []Pattern{{Source: "report", Glob: filepath.Join(b.dir, "*.csv")}}
	b.restart()
	return b
}

func (b *bench) restart() {
	b.inbox = New(Options{
		Patterns: func() []Pattern { return b.patterns },
		Read: func(_ context.Context, source, path string) error {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b.read = append(b.read, filepath.Base(path)+"="+string(content))
			if b.onRead != nil {
				return b.onRead(path)
			}
			return nil
		},
		Seen: b.memory,
		Now:  func() time.Time { return b.now },
		Log:  slog.New(slog.NewTextHandler(&b.log, nil)),
	})
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// write writes a file that has been modified now.
func (b *bench) write(name, content string) {
	b.Helper()
	b.check(os.WriteFile(b.path(name), []byte(content), 0o600))
	b.modified(name, b.now)
}

func (b *bench) modified(name string, at time.Time) {
	b.Helper()
	b.check(os.Chtimes(b.path(name), at, at))
}

func (b *bench) check(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// expect looks that much later, and compares what was read.
func (b *bench) expect(after time.Duration, want ...string) {
	b.Helper()
	b.now = b.now.Add(after)
	b.inbox.look(b.Context())
	if got := b.read; len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		b.Errorf("read %q, want %q", got, want)
	}
	b.read = nil
}

// expectLog compares how many lines of the log hold a text.
func (b *bench) expectLog(text string, want int) {
	b.Helper()
	if got := strings.Count(b.log.String(), text); got != want {
		b.Errorf("%d times %q in the log, want %d:\n%s", got, text, want, b.log.String())
	}
}

func TestInbox_readsAFileOnceItHasSettled(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", "1")
	b.expect(0)
	b.expect(4999 * time.Millisecond)
	b.expect(time.Millisecond, "a.csv=1")
	b.expect(time.Hour)
	sum := sha256.Sum256([]byte("1"))
	written := b.now.Add(-time.Hour - 5*time.Second)
	got := b.memory.marks[key{"report", b.path("a.csv")}]
	if got.Size != 1 || got.Hash != hex.EncodeToString(sum[:]) || !got.ModTime.Equal(written) {
		t.Errorf("%+v is remembered", got)
	}
	b.expectLog("level", 0)
}

// It has been quiet for a year, but who knows what was before the first look.
func TestInbox_waitsForAnOldFileToo(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", "1")
	b.modified("a.csv", b.now.AddDate(-1, 0, 0))
	b.expect(0)
	b.expect(5*time.Second, "a.csv=1")
}

func TestInbox_waitsForAFileThatIsBeingWritten(t *testing.T) {
	b := newBench(t)
	for _, content := range []string{"", "1", "12", "123"} {
		b.write("a.csv", content)
		b.expect(4 * time.Second)
	}
	b.write("a.csv", "") // written anew
	b.expect(2 * time.Second)
	b.expect(3 * time.Second)
	b.write("a.csv", "456")
	b.expect(time.Second)
	b.modified("a.csv", b.now.Add(-time.Second)) // as programs do that copy the time at the end
	b.expect(4 * time.Second)
	b.expect(5*time.Second, "a.csv=456")
}

func TestInbox_doesNotWaitForAFileThatIsRenamedIntoPlace(t *testing.T) {
	for name, c := range map[string]struct {
		content       string
		age           time.Duration
		notice, waits bool
	}{
		"complete":         {"1", 5 * time.Second, true, false},
		"young":            {"1", 4 * time.Second, true, true},
		"empty":            {"", time.Hour, true, true},
		"without a notice": {"1", time.Hour, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.write("a.csv", "0")
			b.expect(0)
			b.write("b", c.content)
			b.modified("b", b.now.Add(-c.age))
			b.check(os.Rename(b.path("b"), b.path("a.csv")))
			b.inbox.notices.created = map[string]bool{b.path("a.csv"): c.notice}
			if c.waits {
				b.expect(0)
				b.now = b.now.Add(5 * time.Second)
			}
			b.expect(0, "a.csv="+c.content)
		})
	}
}

func TestInbox_doesNotReadTheSameContentAgain(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", "1")
	b.expect(0)
	b.expect(5*time.Second, "a.csv=1")
	b.modified("a.csv", b.now) // touched
	b.expect(0)
	b.expect(5 * time.Second)
	b.check(os.Rename(b.path("a.csv"), b.path("b.csv")))
	b.expect(0)
	b.expect(5 * time.Second)
	b.check(os.Remove(b.path("b.csv")))
	b.expect(0)
	b.write("c.csv", "1")
	b.expect(0)
	b.expect(5 * time.Second)
	b.write("c.csv", "2")
	b.expect(0)
	b.expect(5*time.Second, "c.csv=2")
	b.write("c.csv", "1") // as it was
	b.expect(0)
	b.expect(5 * time.Second)
	b.patterns = append(b.patterns, Pattern{Source: "other", Glob: b.path("c.csv")})
	b.expect(0)
	b.expect(5*time.Second, "c.csv=1") // for a source of its own it is new
}

func TestInbox_readsAFileThatGrewAsAWhole(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", "1")
	b.expect(0)
	b.expect(5*time.Second, "a.csv=1")
	b.write("a.csv", "12")
	b.expect(0)
	b.expect(5*time.Second, "a.csv=12")
}

func TestInbox_remembersOverARestartWithoutHashing(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", "1")
	b.expect(0)
	b.expect(5*time.Second, "a.csv=1")
	b.restart()
	b.expect(0)
	b.expect(5 * time.Second)
	if b.memory.hashed != 1 {
		t.Errorf("%d files were hashed", b.memory.hashed)
	}
}

func TestInbox_doesNotMindAFileThatGoesAway(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", "1")
	b.write("b.csv", "2")
	b.expect(0)
	b.onRead = func(path string) error { return os.Remove(b.path("b.csv")) } // when b.csv was found already
	b.expect(5*time.Second, "a.csv=1")
	b.onRead = nil
	b.check(os.Remove(b.path("a.csv")))
	b.expect(5 * time.Second)
	if len(b.inbox.files) > 0 {
		t.Errorf("%v is kept in mind", b.inbox.files)
	}
	b.expectLog("WARN", 0)
	b.write("b.csv", "2")
	b.expect(0)
	b.expect(5*time.Second, "b.csv=2")
}

func TestInbox_readsAFileAgainThatChangesWhileItIsRead(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", "1")
	b.expect(0)
	b.onRead = func(string) error {
		b.onRead = nil
		b.now = b.now.Add(time.Second)
		b.write("a.csv", "12")
		return errors.New("half a row")
	}
	b.expect(5*time.Second, "a.csv=1")
	if len(b.memory.marks) > 0 {
		t.Errorf("%v is remembered", b.memory.marks)
	}
	b.expectLog("half a row", 1)
	b.expectLog("again_in", 0)
	b.expect(0)
	b.expect(5*time.Second, "a.csv=12")
	sum := sha256.Sum256([]byte("12"))
	if !b.memory.hashes[key{"report", hex.EncodeToString(sum[:])}] {
		t.Errorf("%v is remembered", b.memory.hashes)
	}
}

func TestInbox_triesABrokenFileAgainAfterAGrowingPause(t *testing.T) {
	b := newBench(t)
	broken := errors.New("line 7: the quotes do not fit together")
	b.onRead = func(path string) error {
		if strings.HasSuffix(path, "a.csv") {
			return broken
		}
		return nil
	}
	b.write("a.csv", "1")
	b.write("b.csv", "2")
	b.expect(0)
	b.expect(5*time.Second, "a.csv=1", "b.csv=2") // the others are read
	for _, pause := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
		b.expect(time.Duration(pause)*time.Minute - time.Second)
		b.expect(time.Second, "a.csv=1")
	}
	b.expectLog("file="+b.path("a.csv")+` error="`+broken.Error()+`"`, 9)
	b.write("a.csv", "12") // corrected: no pause
	b.expect(0)
	b.onRead = nil
	b.expect(5*time.Second, "a.csv=12")
	b.expect(2 * time.Hour)
}

func TestInbox_doesNotCallAnEndOfTheProgramAFailure(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", "1")
	b.write("b.csv", "2")
	b.expect(0)
	ctx, cancel := context.WithCancel(t.Context())
	b.onRead = func(string) error { cancel(); return ctx.Err() }
	b.now = b.now.Add(5 * time.Second)
	b.inbox.look(ctx)
	if len(b.read) != 1 || len(b.memory.marks) > 0 || b.log.Len() > 0 {
		t.Errorf("read %q, remembered %v, logged %s", b.read, b.memory.marks, b.log.String())
	}
}

func TestInbox_readsNothingWhileTheMemoryFails(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", "1")
	b.expect(0)
	b.memory.err = errors.New("database is locked")
	b.write("b.csv", "2")
	b.expect(time.Second)
	b.expect(time.Second)
	b.expectLog("database is locked", 1)
	b.memory.err = nil
	b.expect(3*time.Second, "a.csv=1")
	b.expect(time.Second, "b.csv=2")
}

func TestInbox_readsInTheOrderOfNames(t *testing.T) {
	b := newBench(t)
	b.check(os.Mkdir(b.path("x"), 0o700))
	b.patterns = append(b.patterns, Pattern{Source: "more", Glob: filepath.Join(b.dir, "?", "*.csv")}, Pattern{Source: "again", Glob: b.path("b*")})
	for _, name := range []string{"c.csv", "x/2.csv", "b.csv", "x/1.csv", "a.csv", "y.csv"} {
		b.write(name, name)
	}
	b.expect(0)
	b.expect(5*time.Second,
		"a.csv=a.csv", "b.csv=b.csv", "b.csv=b.csv", "c.csv=c.csv", "1.csv=x/1.csv", "2.csv=x/2.csv", "y.csv=y.csv")
}

func TestInbox_skipsWhatIsUnfinished(t *testing.T) {
	b := newBench(t)
	b.patterns = []Pattern{{Source: "all", Glob: b.path("*")}, {Source: "named", Glob: b.path("b.tmp")}}
	for _, name := range []string{
		".a.csv", ".a.csv.Xf3b", "a.csv.tmp", "a.csv.TMP", "a.csv.part", "a.csv.filepart", "a.csv.crdownload", "a.csv~",
		"b.tmp", "department",
	} {
		b.write(name, name)
	}
	b.expect(0)
	b.expect(time.Minute, "department=department")
}

func TestInbox_readsRegularFilesOnly(t *testing.T) {
	b := newBench(t)
	b.check(os.Mkdir(b.path("directory.csv"), 0o700))
	b.write("target", "1")
	b.check(os.Symlink(b.path("target"), b.path("link.csv")))
	b.check(os.Symlink(b.path("directory.csv"), b.path("linked-directory.csv")))
	b.check(os.Symlink(b.path("nowhere"), b.path("dangling.csv")))
	b.check(os.Symlink(os.DevNull, b.path("device.csv")))
	b.expect(0)
	b.expect(5*time.Second, "link.csv=1")
	b.write("target", "2")
	b.expect(0)
	b.expect(5*time.Second, "link.csv=2")
	b.expectLog("level", 0)
}

func TestInbox_findsDirectoriesThatAppearLater(t *testing.T) {
	b := newBench(t)
	b.patterns = []Pattern{
		{Source: "plain", Glob: b.path("reports/*.csv")},
		{Source: "many", Glob: b.path("*/daily/r-[0-9].csv")},
		{Source: "one", Glob: b.path("./one.csv")},
	}
	b.expect(0)
	b.check(os.MkdirAll(b.path("reports/daily"), 0o700))
	b.write("reports/a.csv", "1")
	b.write("reports/daily/r-1.csv", "2")
	b.write("reports/daily/r-x.csv", "3")
	b.write("one.csv", "4")
	b.expect(0)
	b.expect(5*time.Second, "one.csv=4", "a.csv=1", "r-1.csv=2")
	b.check(os.RemoveAll(b.path("reports")))
	b.expect(0)
	b.expectLog("level", 0)
}

func TestInbox_followsThePatternsThatAreActive(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", "1")
	b.write("a.tsv", "2")
	b.expect(0)
	b.patterns = []Pattern{{Source: "report", Glob: b.path("*.tsv")}}
	b.expect(5 * time.Second)
	b.expect(5*time.Second, "a.tsv=2")
	b.patterns = nil
	b.expect(0)
}

// A file of which some could not be used is read again once its source is another,
// and after a restart; not otherwise.
func TestInbox_readsAFileAgainThatCouldPartlyNotBeUsed(t *testing.T) {
	b := newBench(t)
	b.onRead = func(string) error { return fmt.Errorf("read: %w", ErrPartly) }
	b.write("a.csv", "1")
	b.expect(0)
	b.expect(5*time.Second, "a.csv=1")
	b.expect(2 * time.Hour)
	b.patterns[0].Version = "mended"
	b.expect(0)
	b.onRead = nil
	b.expect(5*time.Second, "a.csv=1")
	b.patterns[0].Version = "changed, which does not matter any more"
	b.expect(0)
	b.expect(time.Hour)

	b.onRead = func(string) error { return ErrPartly }
	b.write("b.csv", "2")
	b.expect(0)
	b.expect(5*time.Second, "b.csv=2")
	b.restart()
	b.expect(0)
	b.expect(5*time.Second, "b.csv=2")
	b.expectLog("cannot read", 0)
}

func TestInbox_saysOnceWhatCannotBeLookedAt(t *testing.T) {
	b := newBench(t)
	b.write("file", "")
	b.patterns = append(b.patterns,
		Pattern{Source: "wrong", Glob: b.path("file/*.csv")}, Pattern{Source: "bad", Glob: b.path("x[.csv")}, Pattern{Source: "worse", Glob: b.path("[/x.csv")})
	b.write("a.csv", "1")
	b.expect(0)
	b.expect(5*time.Second, "a.csv=1")
	b.expectLog("the directory cannot be read", 1)
	b.expectLog("the pattern cannot be used", 2)
	b.patterns = b.patterns[:1]
	b.expect(0)
	b.patterns = append(b.patterns, Pattern{Source: "wrong", Glob: b.path("file/*.csv")})
	b.expect(0)
	b.expectLog("the directory cannot be read", 2) // it had gone away
}

func TestInbox_doesNotMindWhatItMayNotRead(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	b := newBench(t)
	b.patterns = append(b.patterns,
		Pattern{Source: "secret", Glob: b.path("secret/*.csv")}, Pattern{Source: "closed", Glob: b.path("closed/*.csv")})
	for _, dir := range []string{"secret", "closed"} {
		b.check(os.Mkdir(b.path(dir), 0o700))
		b.write(dir+"/x.csv", "0")
		t.Cleanup(func() { _ = os.Chmod(b.path(dir), 0o700) })
	}
	b.check(os.Chmod(b.path("secret"), 0o300))
	b.check(os.Chmod(b.path("closed"), 0o600))
	b.write("a.csv", "1")
	b.check(os.Chmod(b.path("a.csv"), 0))
	b.write("b.csv", "2")
	b.expect(0)
	b.expect(5*time.Second, "b.csv=2")
	b.expect(time.Second)
	b.expectLog("files: cannot read", 1)
	b.expectLog("the directory cannot be read", 1)
	b.expectLog("cannot be looked at", 1)
	b.check(os.Chmod(b.path("a.csv"), 0o600))
	b.check(os.Chmod(b.path("secret"), 0o700))
	b.expect(time.Minute, "a.csv=1")
	b.expect(5*time.Second, "x.csv=0")
}

func TestInbox_looksAtThousandsOfFilesWithoutHashingThemAgain(t *testing.T) {
	b := newBench(t)
	const many = 10_000
	for n := range many {
		b.write(fmt.Sprintf("%05d.csv", n), fmt.Sprint(n))
	}
	b.inbox.look(t.Context())
	b.now = b.now.Add(5 * time.Second)
	b.inbox.look(t.Context())
	if len(b.read) != many || b.memory.asked != many || b.memory.hashed != many {
		t.Fatalf("%d read, %d asked, %d hashed", len(b.read), b.memory.asked, b.memory.hashed)
	}
	b.read = nil
	b.expect(time.Minute)
	b.restart()
	b.expect(time.Minute)
	b.expect(time.Minute)
	if b.memory.asked != 2*many || b.memory.hashed != many {
		t.Errorf("%d asked, %d hashed", b.memory.asked, b.memory.hashed)
	}
}

func TestInbox_loopLooksAtEveryPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.inbox.Now = time.Now
		b.check(os.WriteFile(b.path("a.csv"), []byte("1"), 0o600))
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		b.memory.onMark = cancel
		b.inbox.loop(ctx)
		if took := time.Since(start); len(b.read) != 1 || took != 6*time.Second {
			t.Errorf("read %q after %v", b.read, took)
		}
	})
}

func TestInbox_Run_isToldOfAFileThatIsRenamedIntoPlace(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", "1")
	b.write("b.csv.tmp", "2")
	b.modified("b.csv.tmp", time.Now().Add(-time.Minute))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b.inbox.Now, b.inbox.Poll = time.Now, time.Hour
	// When the memory is asked about a.csv, the directory is watched.
	b.memory.onSeen = func() {
		b.memory.onSeen = nil
		b.check(os.Rename(b.path("b.csv.tmp"), b.path("b.csv")))
	}
	b.memory.onMark = cancel
	b.inbox.Run(ctx)
	if !reflect.DeepEqual(b.read, []string{"b.csv=2"}) {
		t.Errorf("read %q\n%s", b.read, b.log.String())
	}
}

func TestNotices_watchFollowsTheDirectories(t *testing.T) {
	n, err := listen(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	first, second := t.TempDir(), t.TempDir()
	missing := filepath.Join(first, "missing")
	if failed := n.watch(map[string][]string{"a": {first, missing}}); len(failed) > 0 || len(n.watcher.WatchList()) != 1 {
		t.Errorf("%v cannot be watched, %v are", failed, n.watcher.WatchList())
	}
	if failed := n.watch(map[string][]string{"b": {second}}); len(failed) > 0 || n.watcher.WatchList()[0] != second {
		t.Errorf("%v cannot be watched, %v are", failed, n.watcher.WatchList())
	}
	file := filepath.Join(second, "a.csv")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	<-n.hints
	if created := n.take(); !created[file] || len(n.take()) > 0 {
		t.Errorf("%v appeared", created)
	}
}

func BenchmarkLook(b *testing.B) {
	dir := b.TempDir()
	for n := range 10_000 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.csv", n)), nil, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	inbox := New(Options{
		Patterns: func() []Pattern { return []Pattern{{Source: "report", Glob: filepath.Join(dir, "*.csv")}} },
		Read:     func(context.Context, string, string) error { return nil },
		Seen:     newMemory(),
		Now:      time.Now,
		Log:      slog.New(slog.DiscardHandler),
	})
	for b.Loop() {
		inbox.look(b.Context())
	}
}
