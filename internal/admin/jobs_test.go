package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"heed/engine/record"
)

// pile is a store with many dead deliveries.
type pile struct {
	Store
	n int
	// part is called before each part of a change.
	part func()

	mu      sync.Mutex
	changed int
	audit   []record.Audit
}

func (p *pile) dead(i int) record.Delivery {
	return record.Delivery{
		ID: fmt.Sprint("d", i), State: record.Dead, Action: "lms", Rule: "r", LastError: fmt.Sprintf("404 no such user u-%d", i),
		Request: []byte(`{}`),
	}
}

func (p *pile) Deliveries(_ context.Context, f record.DeliveryFilter) (page []record.Delivery, next string, err error) {
	from := 0
	_, _ = fmt.Sscan(f.Before, &from)
	for i := from; i < min(p.n, from+f.Limit); i++ {
		page = append(page, p.dead(i))
	}
	if from += f.Limit; from < p.n {
		next = fmt.Sprint(from)
	}
	return page, next, nil
}

func (p *pile) DeadDeliveries(
	ctx context.Context, _, cursor string, limit int,
) (dead []record.DeadDelivery, next string, err error) {
	page, next, err := p.Deliveries(ctx, record.DeliveryFilter{Before: cursor, Limit: limit})
	for _, d := range page {
		dead = append(dead, record.DeadDelivery{ID: d.ID, Action: d.Action, Rule: d.Rule, LastError: d.LastError, Renderable: true})
	}
	return dead, next, err
}

func (p *pile) CountChanging(_ context.Context, _ record.DeliveryFilter, _ bool, most int) (int, error) {
	return min(p.n, most), nil
}

func (p *pile) Retry(_ context.Context, f record.DeliveryFilter, _ time.Time) (int, error) {
	if p.part != nil {
		p.part()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed += len(f.IDs)
	return len(f.IDs), nil
}

func (p *pile) AddAudit(_ context.Context, a record.Audit) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.audit = append(p.audit, a)
	return nil
}

func (p *pile) service() *Service {
	return New(Options{Store: p, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
}

// ended waits for the end of a job, and of its note in the audit log.
func (p *pile) ended(t *testing.T, s *Service, id string) (Job, record.Audit) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		p.mu.Lock()
		noted := p.audit
		p.mu.Unlock()
		if job, err := s.Job(t.Context(), id); err == nil && job.State != JobRunning && len(noted) > 0 {
			return job, noted[len(noted)-1]
		}
	}
	t.Fatal("the job does not end")
	return Job{}, record.Audit{}
}

func TestStart_retriesAllWithOneCause(t *testing.T) {
	p := &pile{n: 1300}
	s := p.service()
	b := Bulk{What: "retry", Selection: Selection{Action: "lms", Cause: "404 no such user …"}}
	started, err := s.Start(t.Context(), b)
	if err != nil || started.Total != 1300 || started.State != JobRunning {
		t.Fatalf("%+v, %v", started, err)
	}
	job, noted := p.ended(t, s, started.ID)
	if job.State != JobDone || job.Done != 1300 || job.Changed != 1300 || p.changed != 1300 {
		t.Errorf("%+v, %d changed", job, p.changed)
	}
	if noted.What != "retry" || noted.N != 1300 || noted.Result != "ok" || noted.Who != "local" || !strings.Contains(noted.Target, "action=lms") {
		t.Errorf("the audit log has %+v", noted)
	}
}

func TestStart_takesAFilterAndAConfirmation(t *testing.T) {
	s := (&pile{n: 20_000}).service()
	for want, b := range map[string]Bulk{
		"name a state":                 {What: "retry"},
		"type retry 10000+ to confirm": {What: "retry", Selection: Selection{State: record.Dead}},
		"a bulk change is":             {What: "delete", Selection: Selection{State: record.Dead}},
		"state is one of":              {What: "retry", Selection: Selection{State: "lost"}},
	} {
		_, err := s.Start(t.Context(), b)
		if refusal, ok := errors.AsType[*Error](err); !ok || !strings.Contains(refusal.Text, want) {
			t.Errorf("%+v: %v, want %s", b, err, want)
		}
	}
	p := &pile{n: 20_000}
	s = p.service()
	job, err := s.Start(t.Context(), Bulk{What: "retry", Selection: Selection{State: record.Dead}, Confirm: "retry 10000+"})
	if err != nil {
		t.Fatal(err)
	}
	if job, _ = p.ended(t, s, job.ID); job.Changed != 20_000 {
		t.Errorf("%+v", job)
	}
}

func TestStopJob_keepsWhatWasDone(t *testing.T) {
	began, goOn := make(chan bool), make(chan bool)
	var once sync.Once
	p := &pile{n: 5000, part: func() { once.Do(func() { close(began); <-goOn }) }}
	s := p.service()
	b := Bulk{What: "retry", Selection: Selection{State: record.Dead}}
	job, err := s.Start(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	<-began
	if _, err := s.Start(t.Context(), b); err == nil || !strings.Contains(err.Error(), "another job runs") {
		t.Errorf("a second job: %v", err)
	}
	if _, err := s.StopJob(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	stopped, noted := p.ended(t, s, job.ID)
	if stopped.State != JobStopped || stopped.Changed == 0 || stopped.Changed >= 5000 {
		t.Errorf("%+v", stopped)
	}
	if !strings.HasPrefix(noted.Result, "stopped after") || noted.N != stopped.Changed {
		t.Errorf("the audit log has %+v", noted)
	}
}

func TestStart_failsWhenTheJobPanics(t *testing.T) {
	p := &pile{n: 1, part: func() { panic("a fault") }}
	s := p.service()
	job, err := s.Start(t.Context(), Bulk{What: "retry", Selection: Selection{State: record.Dead}})
	if err != nil {
		t.Fatal(err)
	}
	job, noted := p.ended(t, s, job.ID)
	if job.State != JobFailed || !strings.Contains(job.Error, "please report it") || noted.Result != "failed" {
		t.Errorf("%+v, the audit log has %+v", job, noted)
	}
}
