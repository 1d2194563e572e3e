package app

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
)

// warnOfOpenData says that others than its owner may enter the data directory: the
// store has what is known of people, and requests that were sent.
func warnOfOpenData(dir string, log *slog.Logger) {
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return
	}
	log.Warn("others may enter the data directory: make it private with chmod 700",
		"dir", dir, "mode", fmt.Sprintf("%04o", info.Mode()&fs.ModePerm))
}
