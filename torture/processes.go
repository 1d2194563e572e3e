package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// fleet is three processes on one database of PostgreSQL, behind one address.
type fleet struct {
	*bench
	all      []*heed // the bench's own is the first
	database *database
	wire     *wire // from the processes to the database
	front    *front
	cutFor   time.Duration
}

// processes is what several processes on one database go through: each is killed or
// stopped, the database crashes, and the connection to it is cut.
func (t *torture) processes(ctx context.Context) (r result, err error) {
	for _, p := range []plan{usual, flipping} {
		if err := t.fleetOne(ctx, p, (t.cycles+1)/2, &r); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (t *torture) fleetOne(ctx context.Context, p plan, cycles int, r *result) error {
	f, err := t.newFleet(ctx, p, r)
	if err != nil {
		return err
	}
	defer f.close()
	for _, h := range f.all {
		if err := f.startOne(ctx, h); err != nil {
			return err
		}
	}
	f.generator.start(ctx)
	for cycle := range cycles {
		time.Sleep(t.between(200*time.Millisecond, time.Second))
		if err := f.torment(ctx, t.random, cycle); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return f.settle(ctx)
}

func (t *torture) newFleet(ctx context.Context, p plan, r *result) (_ *fleet, err error) {
	f := &fleet{cutFor: min(t.length/2, 30*time.Second)} // in the long form as long as a lease
	if f.database, err = t.newDatabase(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.database.remove()
		}
	}()
	if f.wire, err = newWire("127.0.0.1:" + f.database.port); err != nil {
		return nil, err
	}
	if f.bench, err = t.newBench(ctx, sound, "", p, r); err != nil {
		return nil, err
	}
	store := "postgres://heed@" + f.wire.listener.Addr().String() + "/postgres?sslmode=disable"
	for i := range 3 {
		h := f.heed
		if i > 0 {
			copied := *f.heed
			h = &copied
			h.log = filepath.Join(f.dir, fmt.Sprint("log-", i))
			h.rules = filepath.Join(f.dir, fmt.Sprintf("rules-%d.yaml", i))
			if h.listen, err = freeAddress(); err != nil {
				return nil, err
			}
			if h.admin, err = freeAddress(); err != nil {
				return nil, err
			}
		}
		h.flags = append([]string{"--store", store}, p.flags...)
		f.all = append(f.all, h)
	}
	text, err := os.ReadFile(f.rules)
	if err != nil {
		return nil, err
	}
	for _, h := range f.all[1:] {
		if err := os.WriteFile(h.rules, text, 0o600); err != nil {
			return nil, err
		}
	}
	if f.front, err = newFront(f.all); err != nil {
		return nil, err
	}
	f.generator.url = "http://" + f.front.listener.Addr().String() + webhookPath
	return f, nil
}

func (f *fleet) startOne(ctx context.Context, h *heed) error {
	if err := h.start(); err != nil {
		return err
	}
	took, err := h.ready(ctx)
	f.result.slowest = max(f.result.slowest, took)
	return err
}

// torment does one thing to one process, to the database, or to the way between.
func (f *fleet) torment(ctx context.Context, random *rand.Rand, cycle int) error {
	h := f.all[random.IntN(len(f.all))]
	switch cycle % 5 {
	case 0, 3:
		h.kill()
		f.crash()
		f.flip(h, random)
		time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
		return f.startOne(ctx, h)
	case 1:
		if err := h.stop(); err != nil {
			return err
		}
		f.flip(h, random)
		return f.startOne(ctx, h)
	case 2:
		if err := f.database.kill(); err != nil {
			return err
		}
		for range f.all {
			f.crash() // what each was sending may be sent again
		}
		time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
		return f.database.start()
	default:
		for range f.all {
			f.crash()
		}
		f.wire.cut(f.cutFor)
		return nil
	}
}

// flip gives a process other rules than the others have, where the plan has two.
func (f *fleet) flip(h *heed, random *rand.Rand) {
	if f.plan.rules != flipping.rules || random.IntN(2) == 0 {
		return
	}
	text := fmt.Appendf(nil, flippingRules("b", 4), f.sinks.url, f.sinks.mail.address)
	if err := os.WriteFile(h.rules, text, 0o600); err != nil {
		f.result.findings = append(f.result.findings, finding{broken, err.Error()})
	}
}

// settle judges by the first process, and stops the others.
func (f *fleet) settle(ctx context.Context) error {
	if err := f.bench.settle(ctx); err != nil {
		return err
	}
	for _, h := range f.all[1:] {
		if err := h.stop(); err != nil {
			return err
		}
	}
	return nil
}

func (f *fleet) close() {
	for _, h := range f.all {
		h.kill()
	}
	f.bench.close()
	f.front.close()
	f.wire.close()
	f.database.remove()
}

// front is the address in front of several processes: each connection goes to the
// next one that takes it.
type front struct {
	listener net.Listener
	to       []string
	next     atomic.Int64
}

func newFront(all []*heed) (*front, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &front{listener: l}
	for _, h := range all {
		f.to = append(f.to, h.listen)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go f.pass(c)
		}
	}()
	return f, nil
}

func (f *front) pass(c net.Conn) {
	defer c.Close()
	for range f.to {
		server, err := net.Dial("tcp", f.to[int(f.next.Add(1))%len(f.to)])
		if err != nil {
			continue
		}
		defer server.Close()
		w := &wire{}
		go func() {
			w.copy(server, c)
			_ = server.Close()
		}()
		w.copy(c, server)
		return
	}
}

func (f *front) close() { _ = f.listener.Close() }
