package actiontest

import (
	"testing"

	"go.uber.org/goleak"

	"heed/actions/outbound"
)

// VerifyNoLeaks runs the tests of a kind that uses the shared client, and fails if they
// leave goroutines behind.
func VerifyNoLeaks(m *testing.M) { goleak.VerifyTestMain(closing{m}) }

// closing closes the shared client's idle connections before goleak looks for
// goroutines.
type closing struct{ *testing.M }

func (c closing) Run() int {
	defer outbound.Client(true).CloseIdleConnections()
	return c.M.Run()
}
