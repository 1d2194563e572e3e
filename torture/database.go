package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"sync"
	"time"
)

// database is a PostgreSQL server of its own, which comes and goes.
type database struct {
	bin, dir string
	as       []string // what runs a command as the user of the server
	port     string
}

// newDatabase makes a server in a directory and starts it.
func (t *torture) newDatabase() (*database, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	sort.Strings(found)
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, filepath.Dir(path))
	}
	if len(found) == 0 {
		return nil, &cannotError{errors.New("there is no PostgreSQL")}
	}
	dir, err := os.MkdirTemp("", "heed-torture-postgres-") // which its user can reach
	if err != nil {
		return nil, err
	}
	d := &database{bin: found[len(found)-1], dir: dir}
	if os.Getuid() == 0 { // as which the server refuses to run
		d.as = []string{"runuser", "-u", "postgres", "--"}
		if err := exec.Command("chown", "postgres", dir).Run(); err != nil {
			return nil, &cannotError{fmt.Errorf("there is no user postgres: %w", err)}
		}
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	if _, d.port, err = net.SplitHostPort(address); err != nil {
		return nil, err
	}
	if err := d.run("initdb", "-D", d.data(), "-U", "heed", "-A", "trust", "--no-locale", "-E", "UTF8"); err != nil {
		return nil, &cannotError{err}
	}
	return d, d.start()
}

func (d *database) data() string { return filepath.Join(d.dir, "data") }

func (d *database) run(program string, args ...string) error {
	line := append(append([]string{}, d.as...), filepath.Join(d.bin, program))
	line = append(line, args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = d.dir
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, said.String())
	}
	return nil
}

func (d *database) start() error {
	return d.run("pg_ctl", "-D", d.data(), "-w", "-l", filepath.Join(d.dir, "log"),
		"-o", "-k "+d.dir+" -c listen_addresses=127.0.0.1 -c port="+d.port, "start")
}

// kill ends the server at once, as a crash does.
func (d *database) kill() error { return d.run("pg_ctl", "-D", d.data(), "-m", "immediate", "stop") }

// remove ends the server and deletes it.
func (d *database) remove() {
	_ = d.kill()
	_ = os.RemoveAll(d.dir)
}

// wire passes connections on to an address, until it is cut: then nothing more
// passes, and nobody is told.
type wire struct {
	listener net.Listener
	to       string

	mu   sync.Mutex
	held sync.RWMutex // by whoever cuts
}

func newWire(to string) (*wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{listener: l, to: to}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.pass(c)
		}
	}()
	return w, nil
}

func (w *wire) pass(c net.Conn) {
	defer c.Close()
	server, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		w.copy(server, c)
		_ = server.Close()
	}()
	w.copy(c, server)
}

func (w *wire) copy(to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		w.held.RLock() // as long as the wire is cut, it goes no further
		_, writeErr := to.Write(buffer[:n])
		w.held.RUnlock()
		if err != nil || writeErr != nil {
			return
		}
	}
}

// cut holds everything up for a while.
func (w *wire) cut(length time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held.Lock()
	time.Sleep(length)
	w.held.Unlock()
}

func (w *wire) close() { _ = w.listener.Close() }
