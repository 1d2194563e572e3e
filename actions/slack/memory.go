package slack

import (
	"context"
	"sync"
	"time"
)

// Threads remembers over restarts which message began a thread.
type Threads interface {
	// Thread finds the message that began the key's thread, by its ts: Slack's
	// id of a message in its channel.
	Thread(ctx context.Context, key string) (ts string, found bool, err error)
	// KeepThread remembers it in place of any other, and that the thread was
	// used now.
	KeepThread(ctx context.Context, key, ts string, now time.Time) error
}

// Memory is what slack actions share, also over a reload of the rules: threads,
// whose turn it is in each, and the ids of people.
type Memory struct {
	threads Threads
	now     func() time.Time

	mu     sync.Mutex
	turns  map[string]*turn
	people map[person]known
}

// NewMemory makes a Memory. Without threads, messages go out without them.
func NewMemory(threads Threads, now func() time.Time) *Memory {
	return &Memory{threads: threads, now: now, turns: map[string]*turn{}, people: map[person]known{}}
}

// turn lets one message of a thread be sent at a time: two at once would each
// find that there is no thread yet, and begin one.
type turn struct {
	free  chan struct{} // holds one token while nobody has the turn
	users int
}

// take waits for the turn in a thread; end gives it to the next.
func (m *Memory) take(ctx context.Context, key string) (end func(), err error) {
	m.mu.Lock()
	t := m.turns[key]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		m.turns[key] = t
	}
	t.users++
	m.mu.Unlock()
	leave := func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(m.turns, key)
		}
	}
	select {
	case <-t.free:
		return func() { t.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// person is an address in one workspace, which a token stands for.
type person struct{ workspace, address string }

// known is what is known of a person for a while.
type known struct {
	id    string
	until time.Time
}

const (
	// knownFor is how long a person's id is taken for right: people change
	// their address, or leave.
	knownFor = time.Hour
	// maxPeople bounds how many are remembered.
	maxPeople = 10_000
)

func (m *Memory) recall(p person) (id string, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.people[p]
	return k.id, ok && m.now().Before(k.until)
}

func (m *Memory) remember(p person, id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.people) >= maxPeople {
		clear(m.people)
	}
	m.people[p] = known{id, m.now().Add(knownFor)}
}
