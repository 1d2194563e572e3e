package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/testscript"
)

// -update rewrites the expected outputs in the scripts.
var update = flag.Bool("update", false, "rewrite the expected outputs of the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"heed": main})
}

// TestScripts runs every command as a user would, one script for each case.
func TestScripts(t *testing.T) {
	if underRace {
		t.Skip("each command is a process with little at once, which takes 200 s to start under the race detector;" +
			" what the commands do at once, other tests here do")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("ROOT", root)
			e.Setenv("MINDTICKLE_WEBHOOK_SECRET", "script-secret")
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serveInScript,
			"plain": stable,
			"exits": exits,
			"until": until,
			"catch": catch,
			"post":  post,
			"utf16": inUTF16,
		},
	})
}

// serveInScript starts "heed serve" with the given flags on free ports, waits
// until it is ready, and sets URL and ADMIN. It is interrupted, and must exit
// with 0, when the script ends.
func serveInScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("use exec for a serve that must fail")
	}
	public, admin := freePort(ts), freePort(ts)
	cmd := exec.Command("heed", append([]string{"serve", "--listen", public, "--admin", admin}, args...)...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"), "MINDTICKLE_WEBHOOK_SECRET="+ts.Getenv("MINDTICKLE_WEBHOOK_SECRET"))
	log, err := os.Create(ts.MkAbs("serve.log"))
	ts.Check(err)
	cmd.Stderr = log
	cmd.Path = lookPath(ts, "heed")
	ts.Check(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	ts.Defer(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			ts.Check(err)
		case <-time.After(30 * time.Second):
			_ = cmd.Process.Kill()
			ts.Fatalf("serve did not end within 30 s of SIGTERM")
		}
		log.Close()
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		response, err := http.Get("http://" + public + "/-/ready")
		if err == nil {
			response.Body.Close()
			break
		}
		if time.Now().After(deadline) {
			ts.Fatalf("serve is not ready: %v\n%s", err, ts.ReadFile("serve.log"))
		}
	}
	ts.Setenv("URL", "http://"+public+"/webhooks/mindtickle")
	ts.Setenv("ADMIN", "http://"+admin)
}

// exits runs heed and compares its exit code: exits 2 check nothing.yaml.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command(lookPath(ts, "heed"), args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	out, _ := cmd.CombinedOutput()
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("heed %s: exit code %s, want %s\n%s", strings.Join(args[1:], " "), got, args[0], out)
	}
}

// until runs heed until its output matches: until dead deliveries list.
func until(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile(args[0])
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		cmd := exec.Command(lookPath(ts, "heed"), args[1:]...)
		cmd.Dir = ts.MkAbs(".")
		out, err := cmd.CombinedOutput()
		switch {
		case want.Match(out):
			return
		case time.Now().After(deadline):
			ts.Fatalf("heed %s: %v, and no %s in\n%s", strings.Join(args[1:], " "), err, args[0], out)
		}
	}
}

// catch sets a variable to what matches in the last command's output: catch ID
// [a-z]+. What is in brackets, if anything, is the value.
func catch(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if found == nil {
		ts.Fatalf("no %s in the output", args[1])
	}
	ts.Setenv(args[0], found[len(found)-1])
}

func lookPath(ts *testscript.TestScript, name string) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path := filepath.Join(dir, name); isExecutable(path) {
			return path
		}
	}
	ts.Fatalf("there is no %s in the PATH", name)
	return ""
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o111 != 0
}

func freePort(ts *testscript.TestScript) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer l.Close()
	return l.Addr().String()
}

var (
	times = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?`)
	// moments are times as effects show them: Fri 27 Nov 10:26 UTC.
	moments = regexp.MustCompile(`(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ \w{3} \d\d:\d\d \w+`)

	ids   = regexp.MustCompile(`\b[a-z2-7]{24}\b`)
	local = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	hash  = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
)

// stable replaces what differs from run to run in the last command's output and
// writes it to a file, so that it can be compared: plain stdout got.txt.
func stable(ts *testscript.TestScript, _ bool, args []string) {
	text := withoutTimes(ts.ReadFile(args[0]))
	text = local.ReplaceAllString(text, "ADDRESS")
	text = strings.ReplaceAll(text, ts.Getenv("ROOT"), "ROOT")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// withoutTimes replaces times and generated ids.
func withoutTimes(text string) string {
	text = times.ReplaceAllString(text, "TIME")
	text = moments.ReplaceAllString(text, "MOMENT")
	text = ids.ReplaceAllString(text, "DELIVERYID")
	return hash.ReplaceAllString(text, "HASH")
}

// post posts a file to a path of the server, with headers, and prints status and
// answer: post /webhooks/connector body.json 'Authorization: Bearer t'.
func post(ts *testscript.TestScript, _ bool, args []string) {
	url := strings.TrimSuffix(ts.Getenv("URL"), "/webhooks/mindtickle") + args[0]
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(ts.ReadFile(args[1])))
	ts.Check(err)
	request.Header.Set("Content-Type", "application/json")
	for _, header := range args[2:] {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d %s\n", response.StatusCode, answer)
}

// inUTF16 writes a file anew in UTF-16 with a byte order mark, as spreadsheets do:
// utf16 in.csv out.csv.
func inUTF16(ts *testscript.TestScript, _ bool, args []string) {
	text := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(ts.ReadFile(args[0]))) {
		text = binary.LittleEndian.AppendUint16(text, unit)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), text, 0o600))
}
