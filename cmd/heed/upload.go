package main

import (
	"fmt"
	"io"
	"time"
)

// upload is a file on its way to the API, with a progress bar on a terminal.
type upload struct {
	io.Reader
	s          streams
	size, sent int64 // size is 0 if it is not known
	shown      time.Time
	visible    bool
}

func newUpload(s streams, file io.Reader, size int64) *upload {
	return &upload{Reader: file, s: s, size: size, visible: isTerminal(s.err)}
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	u.sent += int64(n)
	if u.visible && time.Since(u.shown) > 100*time.Millisecond {
		u.shown = time.Now()
		u.show()
	}
	return n, err
}

func (u *upload) show() {
	if u.size == 0 {
		fmt.Fprintf(u.s.err, "\r\033[K%.1f MiB read", float64(u.sent)/(1<<20))
		return
	}
	share := min(float64(u.sent)/float64(u.size), 1)
	fmt.Fprintf(u.s.err, "\r%s %3.0f %%", bar(share, 30), share*100)
}

// done takes the progress bar away.
func (u *upload) done() {
	if u.visible {
		fmt.Fprint(u.s.err, "\r\033[K")
	}
}
