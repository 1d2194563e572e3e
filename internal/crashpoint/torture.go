//go:build torture

// Package crashpoint ends the process at a named place. This is the build for
// the torture.
package crashpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// HEED_CRASH_AT is a point and a number: at that pass of the point the process
// ends as by kill -9.
var (
	at, pass = parse(os.Getenv("HEED_CRASH_AT"))
	passed   atomic.Int64
)

func parse(text string) (string, int64) {
	name, number, _ := strings.Cut(text, ":")
	n, _ := strconv.ParseInt(number, 10, 64)
	return name, n
}

// Reach ends the process if this is the point and the pass.
func Reach(point string) {
	if point == at && passed.Add(1) == pass {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
