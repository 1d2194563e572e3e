package receiver

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
)

// TestHandler_closesAConnectionWithChunks is row 14 of the attacks: a request with
// both Content-Length and Transfer-Encoding must be the last of its connection.
func TestHandler_closesAConnectionWithChunks(t *testing.T) {
	g := start(t, nil)
	for request, closed := range map[string]bool{
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": true,
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n":                      true,
		"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n":                                                     false,
	} {
		conn, err := net.Dial("tcp", g.addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if response.Close != closed {
			t.Errorf("%q: the connection is closed: %t", request, response.Close)
		}
		_ = response.Body.Close()
		_ = conn.Close()
	}
}
