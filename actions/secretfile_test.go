//go:build unix

package actions_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"heed/actions"
)

// A pipe that nobody writes to, a device or a directory is refused, and never
// opened: nobody waits, and nothing is left behind.
func TestFileSecret_readsRegularFilesOnly(t *testing.T) {
	dir := t.TempDir()
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, link, dir, "/dev/null", "/dev/ptmx", "/dev/zero"} {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if _, err := actions.FileSecret(path).Value(); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
			t.Errorf("%s: %v", path, err)
		}
	}
	real := filepath.Join(dir, "real")
	write(t, real, "s3cret\n")
	if err := os.Symlink(real, filepath.Join(dir, "to-real")); err != nil {
		t.Fatal(err)
	}
	if got, err := actions.FileSecret(filepath.Join(dir, "to-real")).Value(); err != nil || got != "s3cret" {
		t.Errorf("through a link: %q, %v", got, err)
	}
}
