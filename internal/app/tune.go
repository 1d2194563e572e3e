package app

import (
	"context"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// TuneRuntime fits Go's runtime to a server that spends its life in fsync,
// unless the environment says how it should be; make load shows the difference
// on a quiet machine.
func TuneRuntime(ctx context.Context, env LookupEnv) {
	isSet := func(name string) bool { value, _ := env(name); return value != "" }
	if !isSet("GOGC") {
		// The heap is a few MiB; collecting it less often costs little memory.
		debug.SetGCPercent(400)
	}
	if !isSet("GOMAXPROCS") {
		// The writer waits for the disk most of the time, and its thread keeps
		// its place until the runtime notices: with one more there are enough
		// for the rest.
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
	if !isSet("GOMEMLIMIT") {
		allowed := cgroupMemory(os.DirFS("/"))
		debug.SetMemoryLimit(memoryLimit(0, allowed))
		go adjustMemoryLimit(ctx, allowed)
	}
}

// usualMemory is the memory up to which the heap may grow before it is collected
// more often: under attack it would otherwise grow to five times what lives. With twice
// as much an event costs no less, also while 100,000 people are known.
const usualMemory = 104 << 20

// memoryLimit is the limit for Go's memory while so much of it is in use, in a
// cgroup that allows so much. A limit that is near to what lives would keep the
// collector busy all the time, so it stays at twice that; but a fifth of what
// the cgroup allows is left for SQLite and whatever else is not Go's.
func memoryLimit(live, allowed int64) int64 {
	return min(max(usualMemory, 2*live), allowed-allowed/5)
}

// adjustMemoryLimit follows what lives: it grows with the people that are known, and
// quickly while they are loaded. When little happens, it gives memory back that a
// busier time, or the start, has left.
func adjustMemoryLimit(ctx context.Context, allowed int64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}}
	allocated, gaveBack, quiet := uint64(0), uint64(0), 0
	for ticker := time.NewTicker(time.Second); ; {
		select {
		case <-ctx.Done():
			ticker.Stop()
			return
		case <-ticker.C:
		}
		metrics.Read(samples)
		live, before := samples[0].Value.Uint64(), allocated
		allocated = samples[1].Value.Uint64()
		debug.SetMemoryLimit(memoryLimit(int64(live), allowed))
		if quiet++; allocated-before > quietAllocation {
			quiet = 0
		}
		if quiet == quietSeconds && allocated-gaveBack > worthGivingBack {
			debug.FreeOSMemory()
			gaveBack = allocated
		}
	}
}

// Little happens if no more than quietAllocation is allocated in each of so many seconds:
// 100 events a second, or a look at rules and tables of a megabyte. To give memory back
// takes a collection, so there must be something that it can find: a scrape of the
// metrics is not enough.
const (
	quietAllocation = 1 << 20
	quietSeconds    = 5
	worthGivingBack = 16 << 20
)

// cgroupMemory is how many bytes of memory the process may use by its cgroup,
// of either version, and by those above; math.MaxInt64 without a limit.
func cgroupMemory(root fs.FS) int64 {
	allowed := int64(math.MaxInt64)
	own, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return allowed
	}
	for entry := range strings.Lines(string(own)) {
		parts := strings.SplitN(strings.TrimSpace(entry), ":", 3)
		if len(parts) != 3 {
			continue
		}
		switch parts[1] {
		case "":
			allowed = min(allowed, leastOf(root, "sys/fs/cgroup", parts[2], "memory.max"))
		case "memory":
			allowed = min(allowed, leastOf(root, "sys/fs/cgroup/memory", parts[2], "memory.limit_in_bytes"))
		}
	}
	return allowed
}

// leastOf is the least limit of a cgroup and those above it. In a container the
// path may be one of the host's, which is not there; then the mount's own
// counts.
func leastOf(root fs.FS, mount, group, file string) int64 {
	least := int64(math.MaxInt64)
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		text, _ := fs.ReadFile(root, path.Join(mount, dir, file))
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
			least = min(least, n)
		}
		if dir == "/" {
			return least
		}
	}
}
