package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// server is a program, the address at which it takes requests, and that of heed's API.
type server struct {
	*exec.Cmd
	address, admin string
}

// program returns the heed to measure; without a name, it builds the one of this tree.
func (o *options) program(dir string) (string, error) {
	if o.heed != "" {
		return o.heed, nil
	}
	heed := filepath.Join(dir, "heed")
	if out, err := exec.Command("go", "build", "-o", heed, "./cmd/heed").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build heed: %w\n%s", err, out)
	}
	return heed, nil
}

// serving returns a heed on SQLite as a subject.
func (o *options) serving(name, heed, rules string) subject {
	return subject{name, publishedPath, o.starting(heed, rules, 1)}
}

// starting starts so many processes of heed. Where they store is told by args, or
// a new directory each time.
func (o *options) starting(heed, rules string, processes int, args ...string) func(string) ([]server, error) {
	return func(dir string) (servers []server, err error) {
		file, where := filepath.Join(dir, "rules.yaml"), args
		if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
			return nil, err
		}
		if len(where) == 0 {
			data := filepath.Join(dir, "data")
			if err := os.RemoveAll(data); err != nil {
				return nil, err
			}
			where = []string{"--data", data}
		}
		for range processes {
			s := server{address: freeAddress(), admin: freeAddress()}
			s.Cmd = exec.Command(heed, append([]string{
				"serve", "--rules", file, "--listen", s.address, "--admin", s.admin, "--no-send", "--log-level",
				o.level,
			}, where...)...)
			servers = append(servers, s)
			if err := s.start(); err != nil {
				return servers, err
			}
		}
		return servers, nil
	}
}

func startBare(string) ([]server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	address := freeAddress()
	s := server{exec.Command(self, "-bare", address), address, ""}
	return []server{s}, s.start()
}

func (o *options) startPeer(string) ([]server, error) {
	s := server{exec.Command("sh", "-c", "exec "+o.peer), freeAddress(), ""}
	s.Env = append(s.Environ(), "ADDRESS="+s.address)
	return []server{s}, s.start()
}

func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *server) start() error {
	s.Env = append(s.Environ(), "MINDTICKLE_WEBHOOK_SECRET="+secret)
	s.Stderr = os.Stderr
	if err := s.Start(); err != nil {
		return err
	}
	for range 4000 {
		if c, err := net.Dial("tcp", s.address); err == nil {
			return c.Close()
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("%s does not listen on %s", s.Path, s.address)
}

// end stops the server, if it was started.
func (s *server) end() error {
	if s.Process == nil {
		return nil
	}
	err := s.Process.Signal(syscall.SIGTERM)
	_ = s.Wait() // the bare one ends by the signal
	return err
}

// profile writes where heed's processor time goes from now on to a file, if it is
// named, and then sends whether that worked.
func (s *server) profile(file string, length time.Duration) <-chan error {
	done := make(chan error, 1)
	if file == "" || s.admin == "" {
		close(done)
		return done
	}
	go func() {
		done <- fetch(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.admin, max(1, int(length.Seconds()))),
			file)
	}()
	return done
}

// fetch gets a URL into a file.
func fetch(url, file string) error {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, answer.Status)
	}
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}

// cpuOf returns the processor time that servers have used, as Linux reports it.
func cpuOf(servers []server) (all time.Duration, err error) {
	for i := range servers {
		one, err := servers[i].cpu()
		if err != nil {
			return 0, err
		}
		all += one
	}
	return all, nil
}

func (s *server) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name may hold spaces
	fields := strings.Fields(rest)
	const utime, stime, tick = 11, 12, 10 * time.Millisecond
	var user, system int64
	if len(fields) > stime {
		_, _ = fmt.Sscan(fields[utime], &user)
		_, _ = fmt.Sscan(fields[stime], &system)
	}
	return time.Duration(user+system) * tick, nil
}

// memory returns how many bytes of the server's memory are resident, as Linux reports
// it.
func (s *server) memory() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.Process.Pid))
	if err != nil {
		return 0, err
	}
	var size, resident int64
	_, err = fmt.Sscan(string(text), &size, &resident)
	return resident * int64(os.Getpagesize()), err
}
