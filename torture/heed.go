package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// heed is the program under test, which comes and goes.
type heed struct {
	binary, rules, data string
	listen, admin       string
	flags               []string // beyond the usual ones
	log                 string   // file
	cmd                 *exec.Cmd
	ended               chan struct{}
	started             time.Time
}

// lastPort is the last one that freeAddress tried. It begins anywhere, so that two
// tortures on one machine seldom meet.
var lastPort = 10_000 + rand.IntN(10_000)

// freeAddress is an address that nothing listens on, and another one each time: it
// is not in use until heed runs, and not while heed is down. Its port is below those
// that the system gives to outgoing connections, one of which could take it then.
func freeAddress() (string, error) {
	for range 1000 {
		if lastPort++; lastPort >= 30_000 {
			lastPort = 10_000
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lastPort))
		if err == nil {
			defer l.Close()
			return l.Addr().String(), nil
		}
	}
	return "", errors.New("there is no free port")
}

// start starts heed, with more flags than the usual ones if some are given.
func (h *heed) start(flags ...string) error {
	log, err := os.OpenFile(h.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	h.cmd = exec.Command(h.binary, slices.Concat([]string{
		"serve", "--rules", h.rules, "--data", h.data, "--listen", h.listen, "--admin", h.admin,
	}, h.flags, flags)...)
	h.cmd.Env = append(os.Environ(), "MINDTICKLE_WEBHOOK_SECRET="+secret, "HEED_LOG_LEVEL=warn", "HEED_LOG_FORMAT=text")
	h.cmd.Stdout, h.cmd.Stderr = log, log
	h.cmd.SysProcAttr = dieWithParent()
	h.started = time.Now()
	if err := h.cmd.Start(); err != nil {
		return err
	}
	h.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait()
		close(ended)
	}(h.cmd, h.ended)
	return nil
}

var errEnded = errors.New("heed ended by itself")

// ready waits until heed says that it is ready and returns how long that took
// from its start.
func (h *heed) ready(ctx context.Context) (time.Duration, error) {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for time.Since(h.started) < 30*time.Second {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-h.ended:
			return 0, fmt.Errorf("%w instead of becoming ready: %s\n%s", errEnded, h.cmd.ProcessState, h.lastWords())
		default:
		}
		if response, err := client.Get("http://" + h.admin + "/-/ready"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return time.Since(h.started), nil
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	return 0, fmt.Errorf("heed is not ready after 30 s\n%s", h.lastWords())
}

// kill is kill -9.
func (h *heed) kill() {
	if h.cmd == nil {
		return
	}
	_ = h.cmd.Process.Kill()
	<-h.ended
}

// stop asks heed to end, which it must do well.
func (h *heed) stop() error {
	if err := h.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-h.ended:
	case <-time.After(30 * time.Second):
		h.kill()
		return errors.New("heed did not stop within 30 s")
	}
	if !h.cmd.ProcessState.Success() {
		return fmt.Errorf("heed stopped with %s\n%s", h.cmd.ProcessState, h.lastWords())
	}
	return nil
}

// lastWords are the end of the log.
func (h *heed) lastWords() string {
	text, err := os.ReadFile(h.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}
