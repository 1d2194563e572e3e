package app

import (
	"sync"
	"testing"
)

// What is begun while the end waits is either waited for or not begun at all.
func TestLateWork_beginsNothingOnceItHasEnded(t *testing.T) {
	for range 200 {
		var l lateWork
		var mu sync.Mutex
		ended, late := false, false
		var callers sync.WaitGroup
		for range 4 {
			callers.Go(func() {
				l.begin(func() {
					mu.Lock()
					defer mu.Unlock()
					late = late || ended
				})
			})
		}
		l.end()
		mu.Lock()
		ended = true
		mu.Unlock()
		callers.Wait()
		if late {
			t.Fatal("something ran after the end")
		}
	}
}
