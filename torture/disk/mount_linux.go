package disk

import (
	"context"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Mount puts the disk behind a directory. The process that mounts it must not
// use the directory itself. Without the right to mount, or without FUSE, it
// returns an error. unmount fails as long as a process has a file open there.
//
// The kernel hands each write on at once, and keeps copies only of what it
// reads; unmounting drops them. Memory that a process shares with a file may be
// written late, which is fine for a power cut: it was not synced.
func (d *Disk) Mount(dir string) (unmount func() error, err error) {
	aMinute := time.Minute
	server, err := fs.Mount(dir, &node{disk: d, number: root}, &fs.Options{
		AttrTimeout: &aMinute, EntryTimeout: &aMinute,
		RootStableAttr: &fs.StableAttr{Ino: root},
		MountOptions: fuse.MountOptions{
			DirectMount: true, FsName: "heed-torture", Name: "torture", MaxWrite: 1 << 20,
			Logger: log.New(io.Discard, "", 0),
		},
	})
	if err != nil {
		if device, openErr := os.OpenFile("/dev/fuse", os.O_RDWR, 0); openErr != nil {
			err = openErr // the library has tried something else since then
		} else {
			_ = device.Close()
		}
		return nil, fmt.Errorf("mount the disk: %w", err)
	}
	return server.Unmount, nil
}

// node is an inode as the library wants it.
type node struct {
	fs.Inode
	disk   *Disk
	number uint64
}

var (
	_ fs.NodeLookuper  = (*node)(nil)
	_ fs.NodeGetattrer = (*node)(nil)
	_ fs.NodeSetattrer = (*node)(nil)
	_ fs.NodeReaddirer = (*node)(nil)
	_ fs.NodeCreater   = (*node)(nil)
	_ fs.NodeMkdirer   = (*node)(nil)
	_ fs.NodeOpener    = (*node)(nil)
	_ fs.NodeReader    = (*node)(nil)
	_ fs.NodeWriter    = (*node)(nil)
	_ fs.NodeFsyncer   = (*node)(nil)
	_ fs.NodeFlusher   = (*node)(nil)
	_ fs.NodeUnlinker  = (*node)(nil)
	_ fs.NodeRmdirer   = (*node)(nil)
	_ fs.NodeRenamer   = (*node)(nil)
	_ fs.NodeStatfser  = (*node)(nil)
)

func (i info) kind() uint32 {
	if i.dir {
		return syscall.S_IFDIR
	}
	return syscall.S_IFREG
}

func (i info) fill(a *fuse.Attr) {
	a.Ino, a.Mode, a.Size, a.Nlink = i.number, i.kind()|i.mode&0o7777, i.size, 1
	a.Blocks, a.Blksize = (i.size+sector-1)/sector, 4096
}

func (n *node) child(ctx context.Context, of info, out *fuse.EntryOut) *fs.Inode {
	of.fill(&out.Attr)
	return n.NewInode(ctx, &node{disk: n.disk, number: of.number}, fs.StableAttr{Mode: of.kind(), Ino: of.number})
}

func (n *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	of, errno := n.disk.lookup(n.number, name)
	if errno != 0 {
		return nil, errno
	}
	return n.child(ctx, of, out), 0
}

func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	of, errno := n.disk.stat(n.number)
	of.fill(&out.Attr)
	return errno
}

func (n *node) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		if errno := n.disk.truncate(n.number, size); errno != 0 {
			return errno
		}
	}
	if mode, ok := in.GetMode(); ok {
		if errno := n.disk.chmod(n.number, mode); errno != 0 {
			return errno
		}
	}
	return n.Getattr(ctx, f, out)
}

func (n *node) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	all, errno := n.disk.list(n.number)
	entries := make([]fuse.DirEntry, len(all))
	for i, e := range all {
		entries[i] = fuse.DirEntry{Name: e.name, Ino: e.number, Mode: e.kind()}
	}
	return fs.NewListDirStream(entries), errno
}

func (n *node) Create(
	ctx context.Context, name string, _, mode uint32, out *fuse.EntryOut,
) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	of, errno := n.disk.create(n.number, name, false, mode)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	return n.child(ctx, of, out), nil, 0, 0
}

func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	of, errno := n.disk.create(n.number, name, true, mode)
	if errno != 0 {
		return nil, errno
	}
	return n.child(ctx, of, out), 0
}

func (n *node) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_KEEP_CACHE, 0
}

func (n *node) Read(_ context.Context, _ fs.FileHandle, into []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	got, errno := n.disk.read(n.number, into, at)
	return fuse.ReadResultData(into[:got]), errno
}

func (n *node) Write(_ context.Context, _ fs.FileHandle, data []byte, at int64) (uint32, syscall.Errno) {
	if errno := n.disk.write(n.number, data, at); errno != 0 {
		return 0, errno
	}
	return uint32(len(data)), 0
}

func (n *node) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return n.disk.sync(n.number)
}

// Flush is called at each close, which promises nothing.
func (n *node) Flush(context.Context, fs.FileHandle) syscall.Errno { return 0 }

func (n *node) Unlink(_ context.Context, name string) syscall.Errno {
	return n.disk.remove(n.number, name)
}

func (n *node) Rmdir(_ context.Context, name string) syscall.Errno {
	return n.disk.remove(n.number, name)
}

func (n *node) Rename(_ context.Context, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	if flags != 0 {
		return syscall.EINVAL
	}
	return n.disk.move(n.number, name, to.EmbeddedInode().StableAttr().Ino, newName)
}

func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	out.Bsize, out.Frsize, out.NameLen = 4096, 4096, 255
	out.Blocks, out.Bfree, out.Bavail = math.MaxUint32, math.MaxUint32, math.MaxUint32
	return 0
}
