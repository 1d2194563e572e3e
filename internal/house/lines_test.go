package house

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestLines_ofProductionCodeAreShort leaves tests alone: what they expect is often a
// long text.
func TestLines_ofProductionCodeAreShort(t *testing.T) {
	const most = 120
	for _, dir := range []string{"actions", "cmd", "engine", "internal"} {
		err := filepath.WalkDir("../../"+dir, func(path string, d os.DirEntry, err error) error {
			isTest := strings.HasSuffix(path, "_test.go") || strings.Contains(path, "/storetest/")
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || isTest {
				return err
			}
			file, err := os.Open(path)
			if err != nil {
				return err
			}
			defer file.Close()
			lines := bufio.NewScanner(file)
			for n := 1; lines.Scan(); n++ {
				if length := utf8.RuneCount(lines.Bytes()); length > most {
					t.Errorf("%s:%d has %d characters", path, n, length)
				}
			}
			return lines.Err()
		})
		if err != nil {
			t.Error(err)
		}
	}
}
