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
	"slices"
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

// adjustMemoryLimit follows what lives, which grows with the people that are known. What
// lives for some seconds only, such as a large event that is decoded, is no reason to
// let the heap grow to twice as much. When little happens, memory is given back that a
// busier time, or the start, has left.
func adjustMemoryLimit(ctx context.Context, allowed int64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}}
	allocated, gaveBack, quiet := uint64(0), uint64(0), 0
	var lived [steadySeconds]int64 // what lived in each of the last seconds
	ticker := time.NewTicker(time.Second)
	for second := 0; ; second++ {
		select {
		case <-ctx.Done():
			ticker.Stop()
			return
		case <-ticker.C:
		}
		metrics.Read(samples)
		lived[second%steadySeconds] = int64(samples[0].Value.Uint64())
		debug.SetMemoryLimit(memoryLimit(slices.Min(lived[:]), allowed))
		before := allocated
		allocated = samples[1].Value.Uint64()
		if quiet++; allocated-before > quietAllocation {
			quiet = 0
		}
		if quiet == quietSeconds && allocated-gaveBack > worthGivingBack {
			debug.FreeOSMemory()
			gaveBack = allocated
		}
	}
}

// What lives is the least of what lived in steadySeconds. Little happens if no more than
// quietAllocation is allocated in each of quietSeconds: by 100 events a second, or by a
// look at a megabyte of rules and tables. To give memory back takes a collection, so
// there must be something that it can find: what a scrape of the metrics leaves is not
// enough.
const (
	steadySeconds   = 10
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
