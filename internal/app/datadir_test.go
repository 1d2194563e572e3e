package app

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"
)

func TestWarnOfOpenData_onlyIfOthersMayEnter(t *testing.T) {
	for mode, warned := range map[os.FileMode]bool{0o700: false, 0o500: false, 0o750: true, 0o777: true, 0o701: true} {
		dir := t.TempDir()
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		warnOfOpenData(dir, slog.New(slog.NewTextHandler(&log, nil)))
		if strings.Contains(log.String(), "chmod 700") != warned {
			t.Errorf("%04o: %q", mode, log.String())
		}
		_ = os.Chmod(dir, 0o700)
	}
	warnOfOpenData(t.TempDir()+"/none", slog.New(slog.DiscardHandler))
}
