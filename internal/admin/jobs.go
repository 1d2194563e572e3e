package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"heed/internal/admin/access"
	"heed/internal/plain"
)

// Job is a bulk change that runs in the background. Jobs are kept in memory: a restart
// ends a job, and what it has done until then stays done.
type Job struct {
	ID string `json:"id"`
	// What is retry, discard or replay; Target says to what, as the audit log has it.
	What   string `json:"what"`
	Target string `json:"target"`
	Who    string `json:"who"`
	// Total is how many there were at the start, counted up to MostCounted; Done of
	// how many the job has seen, Changed how many it changed.
	Total   int `json:"total"`
	Done    int `json:"done"`
	Changed int `json:"changed"`
	// State is running, done, stopped or failed; Error says why it failed.
	State     string    `json:"state"`
	Error     string    `json:"error,omitempty"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
}

// The states of a job.
const (
	JobRunning = "running"
	JobDone    = "done"
	JobStopped = "stopped"
	JobFailed  = "failed"
)

// maxJobs is how many jobs are remembered. One runs at a time.
const maxJobs = 50

// jobs are the running job and those that have ended.
type jobs struct {
	mu   sync.Mutex
	list []*runningJob // the newest last
}

type runningJob struct {
	mu   sync.Mutex
	job  Job
	stop context.CancelFunc
}

func (r *runningJob) shown() Job {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.job
}

func (r *runningJob) advance(seen, changed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.job.Done += seen
	r.job.Changed += changed
}

func (r *runningJob) end(state string, err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.job.State, r.job.EndedAt = state, now
	if err != nil {
		r.job.Error = err.Error()
	}
}

// run runs a job in the background. Only one runs at a time: the changes of two could
// not be told apart.
func (s *Service) run(ctx context.Context, job Job, work func(context.Context, *runningJob) error) (Job, error) {
	who := access.Of(ctx)
	job.ID, job.Who, job.State, job.StartedAt = rand.Text()[:12], who.Name, JobRunning, s.o.Now().UTC()
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &runningJob{job: job, stop: stop}
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	for _, other := range s.jobs.list {
		if shown := other.shown(); shown.State == JobRunning {
			stop()
			return Job{}, errorf(Conflict, "another job runs (%s, by %s): wait for it, or stop it", shown.What,
				shown.Who)
		}
	}
	if s.jobs.list = append(s.jobs.list, r); len(s.jobs.list) > maxJobs {
		s.jobs.list = s.jobs.list[1:]
	}
	go func() {
		defer stop()
		err := s.working(ctx, r, work)
		state := JobDone
		switch {
		case ctx.Err() != nil:
			state, err = JobStopped, nil
		case err != nil:
			state = JobFailed
			s.o.Log.Error("a job failed", "what", job.What, "target", job.Target, "error", err)
		}
		r.end(state, err, s.o.Now().UTC())
		done := r.shown()
		result := err
		if state == JobStopped {
			result = errorf(Conflict, "stopped after %d of %d", done.Done, done.Total)
		}
		s.note(ctx, job.What, job.Target, done.Changed, result)
		s.o.Log.Info("a job has ended", "what", job.What, "target", job.Target, "changed", done.Changed, "state", state)
	}()
	return job, nil
}

// working keeps a panic in a job from ending heed.
func (s *Service) working(
	ctx context.Context, r *runningJob, work func(context.Context, *runningJob) error,
) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			s.o.Log.Error("a job broke inside heed; please report this", "what", r.job.What, "target", r.job.Target,
				"cause", plain.Panic(cause), "stack", string(debug.Stack()))
			err = errors.New("it broke inside heed; please report it")
		}
	}()
	return work(ctx, r)
}

// Job returns one job.
func (s *Service) Job(_ context.Context, id string) (Job, error) {
	if r := s.findJob(id); r != nil {
		return r.shown(), nil
	}
	return Job{}, errorf(NotFound, "there is no job %q any more: the audit log says what came of it", id)
}

// StopJob ends a job that runs. What it did stays done.
func (s *Service) StopJob(_ context.Context, id string) (Job, error) {
	r := s.findJob(id)
	if r == nil {
		return Job{}, errorf(NotFound, "there is no job %q", id)
	}
	r.stop()
	return r.shown(), nil
}

func (s *Service) findJob(id string) *runningJob {
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	for _, r := range s.jobs.list {
		if r.shown().ID == id {
			return r
		}
	}
	return nil
}
