package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// The words of the ledger, each followed by an id: of an event for the first
// three, of a delivery for the others.
const (
	wordSent    = "sent"    // an event, before it is sent
	wordAcked   = "acked"   // once it was answered with 200
	wordInTime  = "intime"  // it was acknowledged before the wait that it cancels was due
	wordGot     = "got"     // an endpoint took it, before it answers
	wordTold    = "told"    // and what it said, as JSON: an alert of a rule with time
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
	sent, acked, inTime map[string]bool
	got                 map[string]int // times that a delivery was taken
	told                map[string]alert
	crashes             int
}

func readLedger(r io.Reader) (account, error) {
	a := account{
		sent: map[string]bool{}, acked: map[string]bool{}, inTime: map[string]bool{}, got: map[string]int{},
		told: map[string]alert{},
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		word, id, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case wordSent:
			a.sent[id] = true
		case wordAcked:
			a.acked[id] = true
		case wordInTime:
			a.inTime[id] = true
		case wordTold:
			id, text, _ := strings.Cut(id, " ")
			var said alert
			if err := json.Unmarshal([]byte(text), &said); err != nil {
				return a, fmt.Errorf("the ledger has a line %q: %w", lines.Text(), err)
			}
			a.told[id] = said
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

// alert is what the rules with time say: the event that it is about, the step of
// a wait, and the members of a count.
type alert struct {
	About string `json:"about"`
	Step  int    `json:"step,omitempty"`
	Items string `json:"items,omitempty"`
}
