package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"modernc.org/sqlite"

	"heed/actions/delivery"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/state"
	"heed/internal/app"
)

// crash ends the process at one pass of a point, as kill -9 does.
type crash struct {
	point  string
	pass   int64
	passed atomic.Int64
	// firing says that the transaction which is open has a firing.
	firing atomic.Bool
}

// newCrash reads a point and a pass, such as after-commit:17. The empty text is a
// crash that never comes.
func newCrash(at string) (*crash, error) {
	if at == "" {
		return &crash{}, nil
	}
	point, number, _ := strings.Cut(at, ":")
	pass, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("--crash-at %q is not a point and a number: %w", at, err)
	}
	return &crash{point: point, pass: pass}, nil
}

// reach says that the work has come to a point.
func (c *crash) reach(point string) {
	if point == c.point && c.passed.Add(1) == c.pass {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// onConnect tells SQLite to come to the points right before a commit, when all of the
// transaction is written, and perhaps not to sync.
func onConnect(c *crash, noSync bool) {
	sqlite.RegisterConnectionHook(func(conn sqlite.ExecQuerierContext, _ string) error {
		conn.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 {
			c.reach("before-commit")
			if c.firing.Swap(false) {
				c.reach("before-fire")
			}
			return 0
		})
		if noSync {
			_, err := conn.ExecContext(context.Background(), "PRAGMA synchronous = OFF", nil)
			return err
		}
		return nil
	})
}

// crashing is a store that comes to the other points.
type crashing struct {
	app.Store
	*crash
}

// Commit comes to after-commit once the batches are durable and nobody was told so,
// and to after-fire if there is a firing among them.
func (s *crashing) Commit(ctx context.Context, batches ...*intake.Batch) error {
	fires := false
	for _, b := range batches {
		if resolve := b.Resolve; resolve != nil && b.Event.Status == record.Timed {
			fires = true
			b.Resolve = func(seq int64, rows state.Rows) bool {
				holds := resolve(seq, rows)
				s.firing.Store(s.firing.Load() || holds)
				return holds
			}
		}
	}
	if err := s.Store.Commit(ctx, batches...); err != nil {
		return err
	}
	s.reach("after-commit")
	if fires {
		s.reach("after-fire")
	}
	return nil
}

// DueRows comes to after-due once what is due was read.
func (s *crashing) DueRows(ctx context.Context, q intake.DueQuery) ([]state.Row, time.Time, error) {
	rows, next, err := s.Store.DueRows(ctx, q)
	if len(rows) > 0 {
		s.reach("after-due")
	}
	return rows, next, err
}

// Exchange comes to after-send before it records how a send ended, to after-record
// when that is durable, and to after-claim when it has claimed what is not sent yet.
func (s *crashing) Exchange(
	ctx context.Context, owner string, now time.Time, ends []delivery.End, takes []delivery.Take,
) (delivery.Claimed, error) {
	for _, end := range ends {
		if !end.Released {
			s.reach("after-send")
		}
	}
	claimed, err := s.Store.Exchange(ctx, owner, now, ends, takes)
	if err != nil {
		return claimed, err
	}
	for range ends {
		s.reach("after-record")
	}
	if len(claimed.Deliveries) > 0 {
		s.reach("after-claim")
	}
	return claimed, nil
}
