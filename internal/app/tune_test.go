package app

import (
	"math"
	"testing"
	"testing/fstest"
)

func TestCgroupMemory_isTheLeastLimitOnTheWay(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"no cgroups": {nil, math.MaxInt64},
		"version 2": {map[string]string{
			"proc/self/cgroup": "0::/system.slice/heed.service\n",
			"sys/fs/cgroup/system.slice/heed.service/memory.max": "536870912\n",
			"sys/fs/cgroup/system.slice/memory.max":              "max\n",
		}, 512 << 20},
		"a limit above": {map[string]string{
			"proc/self/cgroup":                   "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max":       "max\n",
			"sys/fs/cgroup/a/memory.max":         "1000\n",
			"sys/fs/cgroup/memory.max":           "2000\n",
			"sys/fs/cgroup/elsewhere/memory.max": "10\n",
			"sys/fs/cgroup/a/memory.high":        "20\n",
		}, 1000},
		"in a container": {map[string]string{
			"proc/self/cgroup":         "0::/docker/0123\n",
			"sys/fs/cgroup/memory.max": "268435456\n",
		}, 256 << 20},
		"version 1": {map[string]string{
			"proc/self/cgroup": "11:cpu,cpuacct:/x\n5:memory:/docker/1\n",
			"sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes": "4096\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":          "9223372036854771712\n",
		}, 4096},
		"nonsense": {map[string]string{"proc/self/cgroup": "x\n0::/../..\n", "sys/fs/cgroup/memory.max": "-5\n"}, math.MaxInt64},
	} {
		files := fstest.MapFS{}
		for path, text := range c.files {
			files[path] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := cgroupMemory(files); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestMemoryLimit_leavesRoomForWhatLives(t *testing.T) {
	for _, c := range []struct{ live, allowed, want int64 }{
		{0, math.MaxInt64, usualMemory},
		{usualMemory, math.MaxInt64, 2 * usualMemory},
		{0, 100 << 20, 80 << 20},
		{300 << 20, 500 << 20, 400 << 20},
	} {
		if got := memoryLimit(c.live, c.allowed); got != c.want {
			t.Errorf("memoryLimit(%d, %d) = %d, want %d", c.live, c.allowed, got, c.want)
		}
	}
}
