package receiver

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBodyOfOneMiBIsTakenAndOneByteMoreIsNot(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	for _, c := range []struct {
		size    int
		chunked bool
		status  int
	}{
		{0, false, 200},
		{1, true, 200},
		{freeBody, false, 200},
		{freeBody + 1, false, 200},
		{MaxBody, false, 200},
		{MaxBody, true, 200},
		{MaxBody + 1, false, 413},
		{MaxBody + 1, true, 413},
	} {
		t.Run(fmt.Sprintf("%d bytes, chunked %t", c.size, c.chunked), func(t *testing.T) {
			body := bytes.Repeat([]byte("a\n\x00\xff"), c.size/4+1)[:c.size]
			r := g.delivery(t, testSecret, body)
			if c.chunked {
				r.ContentLength, r.Body = -1, io.NopCloser(bytes.NewReader(body))
			}
			got := do(t, r)
			requests, refused := g.take()
			if got.Status != c.status {
				t.Fatalf("got %d %s", got.Status, got.Body)
			}
			if c.status == 413 {
				if len(requests) != 0 || !cmp.Equal(refused, []Reason{TooLarge}) || got.Header.Get("Connection") != "close" {
					t.Errorf("handed over %d, refused %v, %v", len(requests), refused, got.Header)
				}
				return
			}
			if len(requests) != 1 || !bytes.Equal(requests[0].Body, body) {
				t.Errorf("the body arrived changed")
			}
		})
	}
}

// Nothing of an endless body, declared or not, may pile up in memory, and a
// declared length alone costs none.
func TestLargeBodiesCostLittleMemory(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	head := "POST " + webhookPath + " HTTP/1.1\r\nHost: x\r\n" +
		signatureHeader + ": " + strings.Repeat("0", 64) + "\r\n" + timestampHeader + ": 1700000000\r\n"
	chunk := fmt.Appendf(nil, "%x\r\n%s\r\n", 64<<10, strings.Repeat("a", 64<<10))

	before := allocated()
	if got := raw(t, g.addr, head+"Content-Length: 1099511627776\r\n\r\n"); got.Status != 413 {
		t.Errorf("declared: got %d", got.Status)
	}
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() { // until the server hangs up
		_, err := io.WriteString(conn, head+"Transfer-Encoding: chunked\r\n\r\n")
		for err == nil {
			_, err = conn.Write(chunk)
		}
	}()
	if got := answer(t, conn); got.Status != 413 || got.Header.Get("Connection") != "close" {
		t.Errorf("chunked: got %d %v", got.Status, got.Header)
	}
	if grown := allocated() - before; grown > 8<<20 {
		t.Errorf("allocated %d bytes", grown)
	}

	// Declared in full, sent in part: what is reserved is what came.
	before = allocated()
	for range 100 {
		conn, err := net.Dial("tcp", g.addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "%sContent-Length: %d\r\n\r\nabc", head, MaxBody); err != nil {
			t.Fatal(err)
		}
		conn.(*net.TCPConn).CloseWrite()
		if got := answer(t, conn); got.Status != 400 {
			t.Errorf("cut short: got %d", got.Status)
		}
		conn.Close()
	}
	if grown := allocated() - before; grown > 100*MaxBody/4 {
		t.Errorf("100 cut requests allocated %d bytes", grown)
	}
}

func TestBodyThatIsCutOrMalformedIs400(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	head := "POST " + webhookPath + " HTTP/1.1\r\nHost: x\r\n" +
		signatureHeader + ": " + strings.Repeat("0", 64) + "\r\n" + timestampHeader + ": 1700000000\r\n"
	if got := raw(t, g.addr, head+"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc"); got.Status != 400 {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	if requests, refused := g.take(); len(requests) != 0 || !cmp.Equal(refused, []Reason{CutBody}) {
		t.Errorf("handed over %d, refused %v", len(requests), refused)
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// raw sends bytes that no client would and reads one answer.
func raw(t *testing.T, addr, request string) reply {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return answer(t, conn)
}

func answer(t *testing.T, conn net.Conn) reply {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, response)
}
