package disk

import (
	"bytes"
	"math/rand/v2"
	"syscall"
	"testing"
)

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// content is what a file holds after power was lost and came back.
func content(t *testing.T, d *Disk, name string) (string, bool) {
	t.Helper()
	of, errno := d.lookup(root, name)
	if errno == syscall.ENOENT {
		return "", false
	}
	if errno != 0 {
		t.Fatal(errno)
	}
	b := make([]byte, of.size)
	if _, errno := d.read(of.number, b, 0); errno != 0 {
		t.Fatal(errno)
	}
	return string(b), true
}

func must(t *testing.T, errno syscall.Errno) {
	t.Helper()
	if errno != 0 {
		t.Fatal(errno)
	}
}

func newFile(t *testing.T, d *Disk, name string) uint64 {
	t.Helper()
	of, errno := d.create(root, name, false, 0o600)
	must(t, errno)
	return of.number
}

func TestAPowerCutTakesWhatWasNotSynced(t *testing.T) {
	for name, c := range map[string]struct {
		do     func(*testing.T, *Disk, uint64)
		want   string
		exists bool
	}{
		"nothing synced": {func(t *testing.T, d *Disk, f uint64) {
			must(t, d.write(f, []byte("abc"), 0))
		}, "", false},
		"only the file synced": {func(t *testing.T, d *Disk, f uint64) {
			must(t, d.write(f, []byte("abc"), 0))
			must(t, d.sync(f))
		}, "", false},
		"only the directory synced": {func(t *testing.T, d *Disk, f uint64) {
			must(t, d.write(f, []byte("abc"), 0))
			must(t, d.sync(root))
		}, "", true},
		"both synced, then a write": {func(t *testing.T, d *Disk, f uint64) {
			must(t, d.write(f, []byte("abc"), 0))
			must(t, d.sync(f))
			must(t, d.sync(root))
			must(t, d.write(f, []byte("X"), 1))
			must(t, d.write(f, []byte("YZ"), 5))
		}, "abc", true},
		"a truncation not synced": {func(t *testing.T, d *Disk, f uint64) {
			must(t, d.write(f, []byte("abc"), 0))
			must(t, d.sync(f))
			must(t, d.sync(root))
			must(t, d.truncate(f, 0))
		}, "abc", true},
		"a truncation and growth synced": {func(t *testing.T, d *Disk, f uint64) {
			must(t, d.write(f, []byte("abc"), 0))
			must(t, d.truncate(f, 1))
			must(t, d.write(f, []byte("d"), 2))
			must(t, d.sync(f))
			must(t, d.sync(root))
		}, "a\x00d", true},
		"a removal not synced": {func(t *testing.T, d *Disk, f uint64) {
			must(t, d.sync(root))
			must(t, d.remove(root, "f"))
		}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			d := New()
			c.do(t, d, newFile(t, d, "f"))
			d.Cut(Everything, newRand())
			if _, errno := d.lookup(root, "f"); errno != syscall.EIO {
				t.Errorf("without power: %v, want an I/O error", errno)
			}
			d.On()
			if got, exists := content(t, d, "f"); got != c.want || exists != c.exists {
				t.Errorf("after the cut: %q, %v; want %q, %v", got, exists, c.want, c.exists)
			}
		})
	}
}

func TestSomeSectorsMaySurviveAPowerCut(t *testing.T) {
	kept, lost := 0, 0
	for seed := range uint64(40) {
		d := New()
		f := newFile(t, d, "f")
		must(t, d.write(f, bytes.Repeat([]byte("a"), 4*sector), 0))
		must(t, d.sync(f))
		must(t, d.sync(root))
		must(t, d.write(f, bytes.Repeat([]byte("b"), 3*sector), sector/2))
		d.Cut(Some, rand.New(rand.NewPCG(seed, 0)))
		d.On()
		got, _ := content(t, d, "f")
		if len(got) != 4*sector || got[0] != 'a' || got[4*sector-1] != 'a' {
			t.Fatalf("what was synced changed: %d bytes", len(got))
		}
		for at := sector; at < 3*sector; at += sector {
			piece := got[at : at+sector]
			switch {
			case piece == string(bytes.Repeat([]byte("b"), sector)):
				kept++
			case piece == string(bytes.Repeat([]byte("a"), sector)):
				lost++
			default:
				t.Fatalf("a sector was written in part")
			}
		}
	}
	if kept == 0 || lost == 0 {
		t.Errorf("%d sectors kept, %d lost: want some of each", kept, lost)
	}
}

func TestARenameThatWasNotSyncedLeavesOneNameAtLeast(t *testing.T) {
	for seed := range uint64(20) {
		d := New()
		f := newFile(t, d, "old")
		must(t, d.write(f, []byte("abc"), 0))
		must(t, d.sync(f))
		must(t, d.sync(root))
		must(t, d.move(root, "old", root, "new"))
		d.Cut(Some, rand.New(rand.NewPCG(seed, 0)))
		d.On()
		before, hasOld := content(t, d, "old")
		after, hasNew := content(t, d, "new")
		if !hasOld && !hasNew || hasOld && before != "abc" || hasNew && after != "abc" {
			t.Errorf("seed %d: old %q %v, new %q %v", seed, before, hasOld, after, hasNew)
		}
	}
}

func TestACutAfterACall(t *testing.T) {
	for calls, want := range map[int]string{2: "", 3: "a", 4: "a", 5: "ab"} {
		d := New()
		f := newFile(t, d, "f")
		must(t, d.sync(root))
		d.CutAfter(calls-1, Everything, newRand())
		for i, do := range []func() syscall.Errno{
			func() syscall.Errno { return d.write(f, []byte("a"), 0) },
			func() syscall.Errno { return d.sync(f) },
			func() syscall.Errno { return d.write(f, []byte("b"), 1) },
			func() syscall.Errno { return d.sync(f) },
		} {
			if errno := do(); (errno == 0) != (i+2 <= calls) {
				t.Errorf("cut after call %d: call %d gives %v", calls, i+2, errno)
			}
		}
		d.On()
		if got, _ := content(t, d, "f"); got != want {
			t.Errorf("cut after call %d leaves %q, want %q", calls, got, want)
		}
	}
}

func TestASyncThatFailsLosesWhatItWasToWrite(t *testing.T) {
	d := New()
	f := newFile(t, d, "f")
	must(t, d.sync(root))
	failed := d.FailSync("f")
	must(t, d.sync(f)) // it has nothing to write
	must(t, d.write(f, []byte("a"), 0))
	if errno := d.sync(f); errno != syscall.EIO {
		t.Errorf("the sync gives %v", errno)
	}
	<-failed
	if got, _ := content(t, d, "f"); got != "a" {
		t.Errorf("it reads as %q before the cut", got)
	}
	must(t, d.write(f, []byte("b"), 1))
	must(t, d.sync(f))
	d.Cut(Everything, newRand())
	d.On()
	if got, _ := content(t, d, "f"); got != "\x00b" {
		t.Errorf("after the cut: %q", got)
	}
}
