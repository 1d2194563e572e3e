// Package disk is a disk in memory that can lose power: what was written and
// not synced is then gone, as on a real one. Mount puts it behind a directory,
// for a process that knows nothing of it. Only internal/torture uses it.
//
// It is stricter than most file systems: a new name is durable when its
// directory is synced, not when its file is.
package disk

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
)

// sector is what a real disk writes whole or not at all.
const sector = 512

// root is the number of the uppermost directory.
const root uint64 = 1

// Disk holds files and directories. It is safe for concurrent use.
type Disk struct {
	mu     sync.Mutex
	inodes map[uint64]*inode
	next   uint64
	dead   bool
	calls  int    // that changed something, or synced it
	cutAt  int    // the call after which to cut; 0 for none
	cut    func() // what to do then
	broken string // the file whose next sync fails
	failed chan struct{}
}

// inode is a file or a directory. What is in live and not in durable is in
// writes or changes, in the order in which it came.
type inode struct {
	dir  bool
	mode uint32
	name string // the last it had

	live, durable []byte // of a file
	writes        []write

	names, durableNames map[string]uint64 // of a directory
	changes             []change
}

// write is one write to a file; with a nil data it cuts the file, or fills it
// with zeroes, to the size in at.
type write struct {
	at   int64
	data []byte
}

// change is a new meaning of one name; 0 removes it.
type change struct {
	name string
	is   uint64
}

// New makes an empty disk.
func New() *Disk {
	d := &Disk{inodes: map[uint64]*inode{}, next: root}
	d.make(true, 0o755)
	d.inodes[root].durableNames = map[string]uint64{}
	return d
}

func (d *Disk) make(dir bool, mode uint32) uint64 {
	n := d.next
	d.next++
	d.inodes[n] = &inode{dir: dir, mode: mode, names: map[string]uint64{}, durableNames: map[string]uint64{}}
	return n
}

func (w write) apply(to []byte) []byte {
	if w.data == nil {
		return resize(to, int(w.at))
	}
	end := int(w.at) + len(w.data)
	if len(to) < end {
		to = resize(to, end)
	}
	copy(to[w.at:], w.data)
	return to
}

func resize(b []byte, size int) []byte {
	if size <= len(b) {
		clear(b[size:]) // it may grow again
		return b[:size]
	}
	old := len(b)
	b = slices.Grow(b, size-old)[:size]
	clear(b[old:])
	return b
}

func (c change) apply(names map[string]uint64) {
	if c.is == 0 {
		delete(names, c.name)
		return
	}
	names[c.name] = c.is
}

// Loss chooses what a power cut takes of what was not synced.
type Loss int

// Everything takes all of it. Some takes any sectors of it, and of the changes
// to a directory the last ones: the disk had begun to write, in an order of its
// own.
const (
	Everything Loss = iota
	Some
)

// Cut switches the power off: from this instant every call fails, and what was
// not synced is lost. On switches it on again.
func (d *Disk) Cut(loss Loss, r *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lose(loss, r)
}

// CutAfter switches the power off right after so many more calls that change or
// sync something. r must not be used meanwhile.
func (d *Disk) CutAfter(calls int, loss Loss, r *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutAt, d.cut = d.calls+calls, func() { d.lose(loss, r) }
}

func (d *Disk) lose(loss Loss, r *rand.Rand) {
	d.dead, d.cutAt = true, 0
	for _, number := range slices.Sorted(maps.Keys(d.inodes)) {
		i := d.inodes[number]
		if loss == Some {
			i.keepSome(r)
		}
		i.live = slices.Clone(i.durable)
		i.names = maps.Clone(i.durableNames)
		i.writes, i.changes = nil, nil
	}
	d.forget()
}

func (i *inode) keepSome(r *rand.Rand) {
	for _, w := range i.writes {
		if w.data == nil {
			if r.IntN(2) == 0 {
				i.durable = w.apply(i.durable)
			}
			continue
		}
		for start := 0; start < len(w.data); {
			end := min(len(w.data), start+sector-int((w.at+int64(start))%sector))
			if r.IntN(2) == 0 {
				i.durable = write{w.at + int64(start), w.data[start:end]}.apply(i.durable)
			}
			start = end
		}
	}
	if n := len(i.changes); n > 0 {
		for _, c := range i.changes[:r.IntN(n+1)] {
			c.apply(i.durableNames)
		}
	}
}

// forget drops what no name leads to any more.
func (d *Disk) forget() {
	reached := map[uint64]bool{}
	var visit func(uint64)
	visit = func(n uint64) {
		if reached[n] {
			return
		}
		reached[n] = true
		for _, child := range d.inodes[n].names {
			visit(child)
		}
	}
	visit(root)
	maps.DeleteFunc(d.inodes, func(n uint64, _ *inode) bool { return !reached[n] })
}

// Powered says whether the power is on.
func (d *Disk) Powered() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.dead
}

// On switches the power on.
func (d *Disk) On() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = false
}

// Calls counts those so far that changed or synced something.
func (d *Disk) Calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

// with runs f on an inode, unless the power is off.
func (d *Disk) with(number uint64, f func(*inode) syscall.Errno) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.inodes[number]
	if d.dead || i == nil {
		return syscall.EIO
	}
	return f(i)
}

// change is with for calls that change or sync something.
func (d *Disk) change(number uint64, f func(*inode) syscall.Errno) syscall.Errno {
	return d.with(number, func(i *inode) syscall.Errno {
		errno := f(i)
		if d.calls++; d.calls == d.cutAt {
			d.cut()
		}
		return errno
	})
}

// FailSync makes the next sync fail that has something to write to a file of
// that name, and then closes the channel. What was to be written is not written
// later either, although it can be read and the next sync succeeds: so does
// Linux when a disk refuses a write.
func (d *Disk) FailSync(name string) (failed <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken, d.failed = name, make(chan struct{})
	return d.failed
}

func (d *Disk) sync(number uint64) syscall.Errno {
	return d.change(number, func(i *inode) syscall.Errno {
		writes, changes := i.writes, i.changes
		i.writes, i.changes = nil, nil
		if len(writes) > 0 && i.name == d.broken {
			d.broken = ""
			close(d.failed)
			return syscall.EIO
		}
		for _, w := range writes {
			i.durable = w.apply(i.durable)
		}
		for _, c := range changes {
			c.apply(i.durableNames)
		}
		return 0
	})
}

func (d *Disk) write(number uint64, data []byte, at int64) syscall.Errno {
	return d.change(number, func(i *inode) syscall.Errno {
		i.put(write{at, slices.Clone(data)})
		return 0
	})
}

func (d *Disk) truncate(number, size uint64) syscall.Errno {
	return d.change(number, func(i *inode) syscall.Errno {
		i.put(write{at: int64(size)})
		return 0
	})
}

func (i *inode) put(w write) {
	i.live = w.apply(i.live)
	i.writes = append(i.writes, w)
}

func (d *Disk) read(number uint64, into []byte, at int64) (n int, errno syscall.Errno) {
	errno = d.with(number, func(i *inode) syscall.Errno {
		if at < int64(len(i.live)) {
			n = copy(into, i.live[at:])
		}
		return 0
	})
	return n, errno
}

// info is what there is to know of an inode.
type info struct {
	number uint64
	dir    bool
	mode   uint32
	size   uint64
}

func (d *Disk) stat(number uint64) (of info, errno syscall.Errno) {
	errno = d.with(number, func(i *inode) syscall.Errno {
		of = info{number, i.dir, i.mode, uint64(len(i.live))}
		return 0
	})
	return of, errno
}

func (d *Disk) lookup(dir uint64, name string) (of info, errno syscall.Errno) {
	var number uint64
	errno = d.with(dir, func(i *inode) syscall.Errno {
		number = i.names[name]
		if number == 0 {
			return syscall.ENOENT
		}
		return 0
	})
	if errno != 0 {
		return of, errno
	}
	return d.stat(number)
}

// list names what is in a directory, in order.
func (d *Disk) list(dir uint64) (all []named, errno syscall.Errno) {
	errno = d.with(dir, func(i *inode) syscall.Errno {
		for _, name := range slices.Sorted(maps.Keys(i.names)) {
			child := d.inodes[i.names[name]]
			all = append(all, named{name, info{i.names[name], child.dir, child.mode, uint64(len(child.live))}})
		}
		return 0
	})
	return all, errno
}

type named struct {
	name string
	info
}

func (d *Disk) create(in uint64, name string, dir bool, mode uint32) (of info, errno syscall.Errno) {
	errno = d.change(in, func(i *inode) syscall.Errno {
		if i.names[name] != 0 {
			return syscall.EEXIST
		}
		of = info{number: d.make(dir, mode), dir: dir, mode: mode}
		d.inodes[of.number].name = name
		i.rename(name, of.number)
		return 0
	})
	return of, errno
}

func (i *inode) rename(name string, is uint64) {
	c := change{name, is}
	c.apply(i.names)
	i.changes = append(i.changes, c)
}

func (d *Disk) chmod(number uint64, mode uint32) syscall.Errno {
	return d.change(number, func(i *inode) syscall.Errno {
		i.mode = mode
		return 0
	})
}

func (d *Disk) remove(from uint64, name string) syscall.Errno {
	return d.change(from, func(i *inode) syscall.Errno {
		child := d.inodes[i.names[name]]
		switch {
		case child == nil:
			return syscall.ENOENT
		case child.dir && len(child.names) > 0:
			return syscall.ENOTEMPTY
		}
		i.rename(name, 0)
		return 0
	})
}

func (d *Disk) move(from uint64, name string, to uint64, newName string) syscall.Errno {
	return d.change(from, func(i *inode) syscall.Errno {
		number, target := i.names[name], d.inodes[to]
		if number == 0 || target == nil {
			return syscall.ENOENT
		}
		// The new name first: a cut between the two leaves both and not none.
		target.rename(newName, number)
		d.inodes[number].name = newName
		i.rename(name, 0)
		return 0
	})
}
