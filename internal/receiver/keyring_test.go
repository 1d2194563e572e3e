package receiver

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"heed/engine/source"
)

func TestAnyOfTheSecretsVerifies(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "secrets")
	writeFile(t, path, "\xef\xbb\xbffirst\r\n\r\n  second secret\t\n# third\n#fourth\nfirst\nlast")
	fromFile, err := NewFileKeyring(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	fromEnvironment := fixedKeys(t, " first\tsecond\n", "last ")
	for secret, want := range map[string][2]bool{
		"first":         {true, true},
		"second secret": {true, false},
		"second":        {false, true},
		"last":          {true, true},
		"# third":       {false, false},
		"third":         {false, false},
		"fourth":        {false, false},
		"":              {false, false},
	} {
		if got := [2]bool{verifies(fromFile, secret), verifies(fromEnvironment, secret)}; got != want {
			t.Errorf("%q: from file, from environment: got %v, want %v", secret, got, want)
		}
	}
	if n := len(*fromFile.secrets.Load()); n != 3 {
		t.Errorf("%d secrets, want 3: one was there twice", n)
	}
}

func TestNoSecretIsAnErrorThatSaysWhatToDo(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	if _, err := NewKeyring("", " \n"); err == nil || !strings.Contains(err.Error(), "MINDTICKLE_WEBHOOK_SECRET") {
		t.Errorf("no secret: %v", err)
	}
	path := filepath.Join(t.TempDir(), "secrets")
	for content, want := range map[string]string{
		"":                               "write the signing secret",
		"# none yet\n\n":                 "write the signing secret",
		strings.Repeat("a", maxFile+100): "is it the right file?",
	} {
		writeFile(t, path, content)
		if _, err := NewFileKeyring(path, log); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%.20q: %v", content, err)
		}
	}
	if _, err := NewFileKeyring(path+"x", log); err == nil || !strings.Contains(err.Error(), path+"x") {
		t.Errorf("no file: %v", err)
	}
	if _, err := NewFileKeyring(filepath.Dir(path), log); err == nil {
		t.Error("a directory is no secret file")
	}
}

// Each way in which people and programs change a file.
func TestChangedFileCountsFromTheNextRequestOn(t *testing.T) {
	for name, change := range map[string]func(t testing.TB, path, content string){
		"in place": writeFile,
		"by rename": func(t testing.TB, path, content string) {
			writeFile(t, path+".new", content)
			rename(t, path+".new", path)
		},
		"removed and made anew": func(t testing.TB, path, content string) {
			remove(t, path)
			writeFile(t, path, content)
		},
		"in place within one tick of the clock": func(t testing.TB, path, content string) {
			before, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, path, content)
			if err := os.Chtimes(path, time.Time{}, before.ModTime()); err != nil {
				t.Fatal(err)
			}
		},
		"as a Kubernetes volume": func(t testing.TB, path, content string) {
			dir := filepath.Dir(path)
			data := filepath.Join(dir, fmt.Sprintf("..%d", time.Now().UnixNano()))
			if err := os.Mkdir(data, 0o700); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(data, "secrets"), content)
			symlink(t, data, filepath.Join(dir, "..tmp"))
			rename(t, filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data"))
			if _, err := os.Readlink(path); err != nil {
				remove(t, path)
				symlink(t, filepath.Join("..data", "secrets"), path)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secrets")
			writeFile(t, path, "old-1\n")
			logs := &logBuffer{}
			k, err := NewFileKeyring(path, logs.logger())
			if err != nil {
				t.Fatal(err)
			}
			g := start(t, k)
			want := func(secret string, status int) {
				t.Helper()
				if got := do(t, g.delivery(t, secret, testBody)); got.Status != status {
					t.Errorf("%s: got %d, want %d", secret, got.Status, status)
				}
			}
			want("old-1", 200)
			want("new-1", 403)
			change(t, path, "new-1\nold-1\n")
			want("old-1", 200)
			want("new-1", 200)
			change(t, path, "new-1\n")
			want("old-1", 403)
			want("new-1", 200)
			change(t, path, "new-2\n")
			want("new-1", 403)
			want("new-2", 200)
			if n := logs.count("signing secrets changed"); n != 3 {
				t.Errorf("%d of 3 changes logged:\n%s", n, logs)
			}
			if logs.count("level=WARN") != 0 {
				t.Errorf("warned:\n%s", logs)
			}
		})
	}
}

func TestUnusableFileLeavesTheFormerSecretsAndOneWarning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	writeFile(t, path, "old\n")
	logs := &logBuffer{}
	k, err := NewFileKeyring(path, logs.logger())
	if err != nil {
		t.Fatal(err)
	}
	for _, spoil := range []func(){
		func() { remove(t, path) },
		func() { writeFile(t, path, "") },
		func() { writeFile(t, path, "# nothing\n\n") },
		func() { remove(t, path); symlink(t, "nowhere", path) },
		func() { remove(t, path); symlink(t, path, path) },
	} {
		spoil()
		for range 10 {
			if !verifies(k, "old") || verifies(k, "new") {
				t.Fatal("the former secrets are gone")
			}
		}
	}
	// Empty and commented out are one trouble, and so are missing and dangling.
	if n := logs.count("\n"); n != 4 || logs.count("level=WARN") != 4 {
		t.Errorf("%d lines:\n%s", n, logs)
	}
	remove(t, path)
	writeFile(t, path, "new\n")
	if verifies(k, "old") || !verifies(k, "new") {
		t.Error("the mended file is not used")
	}
	if logs.count("usable again") != 1 || logs.count("signing secrets changed") != 1 {
		t.Errorf("after it was mended:\n%s", logs)
	}
}

// While one secret takes another's place again and again, in the worst of
// ways, a delivery signed with one that is always listed is never refused.
func TestNoGoodDeliveryIsRefusedDuringASwap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	writeFile(t, path, "constant\n")
	k, err := NewFileKeyring(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var senders sync.WaitGroup
	for range 2 {
		senders.Go(func() {
			mac := macOf("constant")
			for {
				select {
				case <-stop:
					return
				default:
				}
				if !verify(k, "1700000000", testBody, mac) {
					t.Error("refused")
					return
				}
				runtime.Gosched() // or the writer gets no turn
			}
		})
	}
	for i := range 200 {
		secret := fmt.Sprintf("secret-%d", i)
		switch i % 3 {
		case 0:
			writeFile(t, path, "constant\n"+secret+"\n")
		case 1:
			writeFile(t, path+".new", secret+"\nconstant\n")
			rename(t, path+".new", path)
		case 2:
			remove(t, path)
			writeFile(t, path, "constant\n"+secret+"\n")
		}
		if !verifies(k, secret) {
			t.Errorf("%s is refused once its file is written", secret)
		}
		// A look at the file that began before the change may still be under
		// way and count for those who come meanwhile.
		for begin := time.Now(); i > 0 && verifies(k, fmt.Sprintf("secret-%d", i-1)); {
			if time.Since(begin) > time.Second {
				t.Fatalf("secret-%d is accepted a second after it was removed", i-1)
			}
		}
	}
	close(stop)
	senders.Wait()
}

// A look at the file that hangs, as on a dead network mount, must not hold up
// deliveries under a secret that is known.
func TestGoodDeliveryDoesNotWaitForTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	writeFile(t, path, "old\n")
	k, err := NewFileKeyring(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	k.source.mu.Lock() // as during a stat
	writeFile(t, path, "old\nnew\n")
	if !verifies(k, "old") {
		t.Error("refused")
	}
	answers := make(chan bool, 1)
	go func() { answers <- verifies(k, "new") }()
	select {
	case <-answers:
		k.source.mu.Unlock()
		t.Fatal("refused or accepted without a look at the file")
	case <-time.After(10 * time.Millisecond): // it waits, rightly
	}
	k.source.mu.Unlock()
	if !<-answers {
		t.Error("a good delivery was refused because somebody else looked")
	}
}

func macOf(secret string) []byte {
	return macOfHex(Sign(secret, "1700000000", testBody))
}

func macOfHex(s string) []byte {
	mac, _ := parseSignatures(&source.MindtickleHMAC, s)
	return mac
}

// verify asks the secrets for a signature of the published contract.
func verify(k *Keyring, timestamp string, body, mac []byte) bool {
	what := signed{timestamp: timestamp, body: body}
	return k.accepts(func(s *secret) bool { return s.signed(mindtickleFormula, what, mac) != nil })
}

func verifies(k *Keyring, secret string) bool {
	return verify(k, "1700000000", testBody, macOf(secret))
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeOldFile writes a file that did not change for an hour.
func writeOldFile(t testing.TB, path, content string) {
	t.Helper()
	writeFile(t, path, content)
	hourAgo := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, hourAgo, hourAgo); err != nil {
		t.Fatal(err)
	}
}

func rename(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func symlink(t testing.TB, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}
