package main

import "io"

// upload is a file on its way to the API, with a progress bar.
type upload struct {
	io.Reader
	line       *progressLine
	size, sent int64 // size is 0 if it is not known
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	u.sent += int64(n)
	if u.size > 0 {
		u.line.bar(float64(u.sent)/float64(u.size), "")
	} else {
		u.line.text("%.1f MiB read", float64(u.sent)/(1<<20))
	}
	return n, err
}
