package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// The words of the ledger, each followed by an id: of an event for the first
// two, of a delivery for the third.
const (
	wordSent    = "sent"    // an event, before it is sent
	wordAcked   = "acked"   // once it was answered with 200
	wordGot     = "got"     // an endpoint took it, before it answers
	wordCrashed = "crashed" // heed
)

// ledger is a file to which lines are only added. Whoever writes it is never
// killed, so it needs no syncs.
type ledger struct {
	mu   sync.Mutex
	file *os.File
	err  error // the first
}

func openLedger(path string) (*ledger, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return &ledger{file: f}, nil
}

func (l *ledger) note(word, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.file.WriteString(word + " " + id + "\n"); err != nil && l.err == nil {
		l.err = err
	}
}

// close says whether all of it was written.
func (l *ledger) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.file.Close(); l.err == nil {
		l.err = err
	}
	return l.err
}

// account is what a ledger says.
type account struct {
	sent, acked map[string]bool
	got         map[string]int // times that a delivery was taken
	crashes     int
}

func readLedger(r io.Reader) (account, error) {
	a := account{sent: map[string]bool{}, acked: map[string]bool{}, got: map[string]int{}}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		word, id, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case wordSent:
			a.sent[id] = true
		case wordAcked:
			a.acked[id] = true
		case wordGot:
			a.got[id]++
		case wordCrashed:
			a.crashes++
		default:
			return a, fmt.Errorf("the ledger has a line %q", lines.Text())
		}
	}
	return a, lines.Err()
}
