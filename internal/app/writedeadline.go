package app

import (
	"net/http"
	"time"
)

// adminWriteTimeout bounds one write of an answer of the admin listener: a client
// that never reads would keep the answer in memory for as long as it likes. A whole
// answer has no such bound, since a stream goes on for ever.
const adminWriteTimeout = 30 * time.Second

// withWriteDeadline gives each write of an answer so long.
func withWriteDeadline(handler http.Handler, timeout time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := &deadlineWriter{w, http.NewResponseController(w), timeout}
		handler.ServeHTTP(d, r)
		d.extend() // for what the server writes by itself
	})
}

type deadlineWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
}

func (w *deadlineWriter) extend() { _ = w.control.SetWriteDeadline(time.Now().Add(w.timeout)) }

// Write implements io.Writer.
func (w *deadlineWriter) Write(p []byte) (int, error) {
	w.extend()
	return w.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (w *deadlineWriter) Flush() {
	w.extend()
	_ = w.control.Flush()
}

// Unwrap lets http.ResponseController find what is wrapped.
func (w *deadlineWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
