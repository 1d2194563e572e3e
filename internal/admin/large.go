package admin

import (
	"context"
	"time"
)

// A large request takes several times its size while it is read and decoded, before
// anything can refuse it: two dry runs of large events took 391 MiB. So one is in
// flight at a time, over the API and the console together.
const (
	// MaxSmall is how many bytes a request may have that waits for nobody.
	MaxSmall = 64 << 10

	largeAtOnce = 1
	largeWait   = 10 * time.Second
)

// BeginLarge waits for the turn of a request with a body of more than MaxSmall bytes,
// or of unknown length. The body is not read before, so that who waits takes no
// memory; end ends the turn. The error is Busy when others took all the time.
func (s *Service) BeginLarge(ctx context.Context) (end func(), err error) {
	patience := time.NewTimer(largeWait)
	defer patience.Stop()
	select {
	case s.large <- struct{}{}:
		return func() { <-s.large }, nil
	case <-patience.C:
		return nil, errorf(Busy, "other large requests are being read: try again in a moment")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
