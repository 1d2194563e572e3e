package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// bench is one store with heed on it and all that is around: the ledger, the
// generator and the endpoints.
type bench struct {
	*heed
	dir       string
	plan      plan
	ledger    *ledger
	generator *generator
	sinks     *sinks
	result    *result
	version   int      // of the rules with time
	evidence  evidence // once it has settled
}

// newBench makes a bench in a directory of its own. data may be empty; result
// gets what the bench sees.
func (t *torture) newBench(ctx context.Context, of program, data string, p plan, into *result) (b *bench, err error) {
	b = &bench{plan: p, result: into}
	if b.dir, err = os.MkdirTemp(t.dir, "run-"); err != nil {
		return nil, err
	}
	if data == "" {
		data = filepath.Join(b.dir, "data")
	}
	b.heed = &heed{
		rules: filepath.Join(b.dir, "rules.yaml"), data: data, log: filepath.Join(b.dir, "log"),
		flags: slices.Concat(p.flags, of.flags),
	}
	if b.binary, err = t.build(ctx, of); err != nil {
		return nil, err
	}
	if b.listen, err = freeAddress(); err != nil {
		return nil, err
	}
	if b.admin, err = freeAddress(); err != nil {
		return nil, err
	}
	if b.ledger, err = openLedger(filepath.Join(b.dir, "ledger")); err != nil {
		return nil, err
	}
	if b.sinks, err = openSinks(b.ledger); err != nil {
		return nil, err
	}
	if err := os.WriteFile(b.rules, fmt.Appendf(nil, p.rules, b.sinks.url, b.sinks.mail.address), 0o600); err != nil {
		return nil, err
	}
	b.generator = newGenerator(b.listen, filepath.Base(b.dir)+"-", b.ledger)
	if p.scenario != nil {
		b.generator.turn, b.generator.pause = p.scenario, 15*time.Millisecond
	}
	return b, nil
}

// close ends what may still run.
func (b *bench) close() {
	b.kill()
	b.sinks.close()
}

// crash notes that heed went down without warning.
func (b *bench) crash() {
	b.ledger.note(wordCrashed, "")
	b.result.cycles++
}

// startReady starts heed and waits until it is ready.
func (b *bench) startReady(ctx context.Context) error {
	if err := b.start(); err != nil {
		return err
	}
	took, err := b.ready(ctx)
	if err != nil {
		return err
	}
	b.result.slowest = max(b.result.slowest, took)
	if took > mustStart {
		b.result.findings = append(b.result.findings, finding{slowStart, fmt.Sprintf("ready after %v", took)})
	}
	return nil
}

// mustDrain is how long what waits may wait once nothing more comes. It is
// shorter than a claim's lease, so that one which nobody sends is noticed.
const mustDrain = 50 * time.Second

// settle lets everything come to rest and judges it. heed must be up; in the
// end it is stopped.
func (b *bench) settle(ctx context.Context) error {
	odd, err := b.generator.finish(ctx)
	if err != nil {
		return err
	}
	b.result.findings = append(b.result.findings, odd...)
	b.sinks.calm.Store(true)
	from := &reader{base: "http://" + b.admin}
	if b.plan.timed {
		pending, err := from.fired(ctx, mustDrain)
		if err != nil {
			return err
		}
		if len(pending) > 0 {
			b.result.findings = append(b.result.findings, finding{
				unfired,
				fmt.Sprintf("after %v still pending, by rule: %v", mustDrain, pending),
			})
		}
	}
	if err := from.drained(ctx, mustDrain); err != nil {
		return err
	}
	e := evidence{plan: b.plan}
	if e.events, err = from.events(ctx); err != nil {
		return err
	}
	if e.deliveries, err = from.deliveries(ctx); err != nil {
		return err
	}
	bodies, err := from.checkBodies(ctx, e.events)
	if err != nil {
		return err
	}
	b.result.findings = append(b.result.findings, bodies...)
	if err := b.stop(); err != nil {
		return err
	}
	b.sinks.close()
	if err := b.ledger.close(); err != nil {
		return err
	}
	if e.account, err = b.readLedger(); err != nil {
		return err
	}
	b.evidence = e
	n, findings := e.check()
	b.result.tally.add(n)
	b.result.findings = append(b.result.findings, findings...)
	return nil
}

func (b *bench) readLedger() (account, error) {
	f, err := os.Open(filepath.Join(b.dir, "ledger"))
	if err != nil {
		return account{}, err
	}
	defer f.Close()
	return readLedger(f)
}
