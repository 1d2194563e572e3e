package receiver

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// A body counts by what came of it, and gives everything back however it ends.
func TestBudgetRead_countsWhatCame(t *testing.T) {
	for name, c := range map[string]struct {
		declared, sent int
		held           int64
		err            string
	}{
		"empty":                    {declared: 0, sent: 0},
		"small":                    {declared: freeBody, sent: freeBody},
		"one byte more":            {declared: freeBody + 1, sent: freeBody + 1, held: 1},
		"declared in full":         {declared: 40 << 10, sent: 40 << 10, held: 36 << 10},
		"small, of unknown length": {declared: -1, sent: 100},
		"of unknown length":        {declared: -1, sent: 5 << 10, held: 4 << 10},
		"cut":                      {declared: MaxBody, sent: 10, err: "unexpected EOF"},
		"cut after growing":        {declared: MaxBody, sent: 40 << 10, err: "unexpected EOF"},
		"beyond the budget":        {declared: MaxBody, sent: MaxBody, err: "too many bodies at once"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBudget(128 << 10)
			body := bytes.Repeat([]byte("x"), c.sent)
			got, held, err := b.read(iotest.HalfReader(bytes.NewReader(body)), c.declared)
			switch {
			case c.err != "":
				if err == nil || err.Error() != c.err || held != 0 {
					t.Errorf("held %d, error %v", held, err)
				}
			case err != nil || !bytes.Equal(got, body) || held != c.held:
				t.Errorf("%d bytes, held %d, error %v", len(got), held, err)
			}
			b.give(held)
			if left := b.left.Load(); left != 128<<10 {
				t.Errorf("%d bytes are left of the budget", left)
			}
		})
	}
}

// A declared length alone takes nothing of the budget.
func TestBudgetRead_aDeclaredLengthIsAClaim(t *testing.T) {
	b := newBudget(1)
	from, to := io.Pipe()
	done := make(chan error)
	go func() {
		_, _, err := b.read(from, MaxBody)
		done <- err
	}()
	if _, err := to.Write(make([]byte, freeBody-1)); err != nil {
		t.Fatal(err)
	}
	if left := b.left.Load(); left != 1 {
		t.Errorf("%d bytes are left of the budget", left)
	}
	to.Close()
	if err := <-done; err != io.ErrUnexpectedEOF {
		t.Error(err)
	}
}

// While others hold the whole budget, an ordinary event is taken and a large
// one is asked to come again; it is taken once they are gone.
func TestHandler_smallEventsPassASpentBudget(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	g.handler.bodies = newBudget(64 << 10)
	head := "POST " + webhookPath + " HTTP/1.1\r\nHost: x\r\n" +
		signatureHeader + ": " + strings.Repeat("0", 64) + "\r\n" + timestampHeader + ": 1700000000\r\n"
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "%sContent-Length: %d\r\n\r\n%s", head, MaxBody, strings.Repeat("a", 60<<10)); err != nil {
		t.Fatal(err)
	}
	for g.handler.bodies.left.Load() > 8<<10 {
		runtime.Gosched() // until the server has read it
	}
	if got := do(t, g.delivery(t, testSecret, testBody)); got.Status != 200 {
		t.Errorf("an ordinary event: %d %s", got.Status, got.Body)
	}
	large := g.delivery(t, testSecret, bytes.Repeat([]byte("a"), 32<<10))
	got := do(t, large)
	if got.Status != 503 || got.Header.Get("Retry-After") == "" || got.Header.Get("Connection") != "close" {
		t.Errorf("a large event: %d %s %v", got.Status, got.Body, got.Header)
	}
	if _, refused := g.take(); !cmp.Equal(refused, []Reason{Overloaded}) {
		t.Errorf("refused %v", refused)
	}
	conn.Close()
	for g.handler.bodies.left.Load() < 64<<10 {
		runtime.Gosched() // until the server knows
	}
	if got := do(t, g.delivery(t, testSecret, bytes.Repeat([]byte("a"), 32<<10))); got.Status != 200 {
		t.Errorf("a large event afterwards: %d %s", got.Status, got.Body)
	}
}
