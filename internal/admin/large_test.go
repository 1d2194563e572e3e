package admin_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"heed/internal/admin"
)

func TestBeginLarge_fewAreReadAtOnceAndTheOthersWaitTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := admin.New(admin.Options{})
		var ends []func()
		for {
			end, err := s.BeginLarge(t.Context())
			if err == nil {
				ends = append(ends, end)
				continue
			}
			if busy, ok := errors.AsType[*admin.Error](err); !ok || busy.Kind != admin.Busy {
				t.Fatal(err)
			}
			break
		}
		if len(ends) == 0 || len(ends) > 4 {
			t.Fatalf("%d are read at once", len(ends))
		}
		go func() {
			time.Sleep(time.Second)
			ends[0]()
		}()
		end, err := s.BeginLarge(t.Context())
		if err != nil {
			t.Fatalf("a turn was over, and: %v", err)
		}
		end()
	})
}
