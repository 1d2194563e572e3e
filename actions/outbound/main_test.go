package outbound

import (
	"testing"

	"go.uber.org/goleak"
)

// run closes the shared clients' idle connections before the search for
// goroutines that were left behind.
type run struct{ *testing.M }

func (r run) Run() int {
	defer Client(false).CloseIdleConnections()
	defer Client(true).CloseIdleConnections()
	return r.M.Run()
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(run{m}) }
