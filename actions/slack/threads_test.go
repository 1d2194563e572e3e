package slack_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/actions"
	"heed/actions/actiontest"
	"heed/actions/slack"
)

// threads is a store of threads.
type threads struct {
	mu   sync.Mutex
	ts   map[string]string
	used []time.Time
	err  error
}

func newThreads() *threads { return &threads{ts: map[string]string{}} }

func (s *threads) Thread(_ context.Context, key string) (string, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ts, found := s.ts[key]
	return ts, found, s.err
}

func (s *threads) KeepThread(_ context.Context, key, ts string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ts[key] = ts
	s.used = append(s.used, now)
	return nil
}

const threaded = `{text: "{{ data.userId }}", thread_per: data.quizId}`

func send(t *testing.T, r actiontest.Rule, data string) actions.Outcome {
	t.Helper()
	return actiontest.MustCompile(t, r).Send(t, data)
}

func sendAll(t *testing.T, r actiontest.Rule, data ...string) {
	t.Helper()
	for _, d := range data {
		if got := send(t, r, d); got.Verdict != actions.Done || got.Error != "" {
			t.Fatalf("%s: %+v", d, got)
		}
	}
}

func TestMessagesWithTheSameKeyGoToOneThread(t *testing.T) {
	w, store := newWorkspace(t), newThreads()
	at := &clock{actiontest.Noon}
	memory := slack.NewMemory(store, at.now)
	r := w.bot(memory, threaded)
	sendAll(t, r, `{"userId":"a","quizId":"q1"}`, `{"userId":"b","quizId":"q2"}`, `{"userId":"c","quizId":"q1"}`, `{"userId":"d"}`, `{"userId":"e","quizId":"q1"}`)
	// What a restart leaves is the store.
	at.Time = at.Add(time.Hour)
	sendAll(t, w.bot(slack.NewMemory(store, at.now), threaded), `{"userId":"f","quizId":"q2"}`)
	// Another channel, and another action, have threads of their own.
	sendAll(t, w.bot(memory, `{text: "{{ data.userId }}", thread_per: data.quizId, channel: "#other"}`), `{"userId":"g","quizId":"q1"}`)
	want := []post{
		{"#coaching", "a", "", "1.0"},
		{"#coaching", "b", "", "2.0"},
		{"#coaching", "c", "1.0", "3.0"},
		{"#coaching", "d", "", "4.0"},
		{"#coaching", "e", "1.0", "5.0"},
		{"#coaching", "f", "2.0", "6.0"},
		{"#other", "g", "", "7.0"},
	}
	if diff := cmp.Diff(want, w.posted()); diff != "" {
		t.Error(diff)
	}
	if last := store.used[len(store.used)-2]; !last.Equal(actiontest.Noon.Add(time.Hour)) {
		t.Errorf("a reply was noted at %v", last)
	}
	for key := range store.ts {
		if len(key) != 64 || strings.Contains(key, "q1") {
			t.Errorf("the key %q can be read", key)
		}
	}
}

func TestAThreadWhoseFirstMessageIsGoneBeginsAnew(t *testing.T) {
	w := newWorkspace(t)
	r := w.bot(slack.NewMemory(newThreads(), time.Now), threaded)
	sendAll(t, r, `{"userId":"a","quizId":"q1"}`)
	w.gone["1.0"] = true
	sendAll(t, r, `{"userId":"b","quizId":"q1"}`, `{"userId":"c","quizId":"q1"}`)
	for i, refusal := range []string{"thread_not_found", "cannot_reply_to_message", "restricted_action_thread_locked", "invalid_thread_ts", "message_not_found", "restricted_action_non_threadable_channel"} {
		was := w.posted()
		root := was[len(was)-2].TS
		w.refuse = func(_ string, form url.Values) string {
			if form.Get("thread_ts") == root {
				return refusal
			}
			return ""
		}
		sendAll(t, r, fmt.Sprintf(`{"userId":"r%d","quizId":"q1"}`, i), `{"userId":"s","quizId":"q1"}`)
		now := w.posted()
		if began, reply := now[len(now)-2], now[len(now)-1]; began.Thread != "" || reply.Thread != began.TS {
			t.Errorf("after %s: %+v", refusal, now)
		}
	}
	want := []post{{"#coaching", "a", "", "1.0"}, {"#coaching", "b", "", "2.0"}, {"#coaching", "c", "2.0", "3.0"}}
	if diff := cmp.Diff(want, w.posted()[:3]); diff != "" {
		t.Error(diff)
	}
}

// A Slack-compatible server may say less of the message than Slack does.
func TestAThreadNeedsOnlyTheFirstMessagesTS(t *testing.T) {
	count := 0
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		count++
		fmt.Fprintf(w, `{"ok":true,"ts":"%d.2"}`, count)
	})
	r := f.bot(threaded)
	r.Kind = slack.Kind{Memory: slack.NewMemory(newThreads(), time.Now)}
	sendAll(t, r, `{"userId":"a","quizId":"q1"}`, `{"userId":"b","quizId":"q1"}`, `{"userId":"c","quizId":"q1"}`)
	for i, want := range []string{"", "1.2", "1.2"} {
		if got := f.got()[i].Form.Get("thread_ts"); got != want {
			t.Errorf("message %d went to the thread %q", i, got)
		}
	}
}

func TestMessagesAtTheSameTimeBeginOneThread(t *testing.T) {
	w, store := newWorkspace(t), newThreads()
	memory := slack.NewMemory(store, time.Now)
	var senders sync.WaitGroup
	for range 8 { // each as if the rules had been reloaded
		a := actiontest.MustCompile(t, w.bot(memory, threaded))
		senders.Go(func() {
			if got := a.Send(t, `{"userId":"a","quizId":"q1"}`); got.Verdict != actions.Done {
				t.Errorf("%+v", got)
			}
		})
	}
	senders.Wait()
	began := 0
	for _, p := range w.posted() {
		if p.Thread == "" {
			began++
		}
	}
	if began != 1 || len(w.posted()) != 8 {
		t.Errorf("%d of %d messages began a thread", began, len(w.posted()))
	}
}

// TestAMessageWaitsForItsTurnNoLongerThanItsAttempt has one message of a thread
// that Slack does not answer, and another behind it.
func TestAMessageWaitsForItsTurnNoLongerThanItsAttempt(t *testing.T) {
	arrived, done := make(chan struct{}), make(chan struct{})
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-done
		fmt.Fprint(w, fine)
	})
	r := f.bot(threaded)
	r.Kind = slack.Kind{Memory: slack.NewMemory(newThreads(), time.Now)}
	a := actiontest.MustCompile(t, r)
	request := a.MustRender(t, `{"userId":"a","quizId":"q1"}`)
	var first sync.WaitGroup
	first.Go(func() { a.SendRequest(t.Context(), request) })
	<-arrived
	ctx, cut := context.WithCancel(t.Context())
	cut()
	got := a.SendRequest(ctx, request)
	if got.Verdict != actions.Retry || got.Error != "another message of the same thread was being sent all the time" {
		t.Errorf("%+v", got)
	}
	if got.After <= 0 {
		t.Error("it counts as a failure of Slack's, of which five stop the action")
	}
	close(done)
	first.Wait()
}

func TestAMessageOfAThreadWaitsForAStoreThatCannotBeRead(t *testing.T) {
	w, store := newWorkspace(t), newThreads()
	store.err = errors.New("the disk is full")
	if got := send(t, w.bot(slack.NewMemory(store, time.Now), threaded), `{"userId":"a","quizId":"q1"}`); !reflect.DeepEqual(got, actions.Outcome{Verdict: actions.Retry, Error: "find the thread: the disk is full"}) {
		t.Errorf("%+v", got)
	}
	if got := w.posted(); len(got) != 0 {
		t.Errorf("it was sent all the same: %+v", got)
	}
}

func TestAMessageThatWasRefusedBeginsNoThread(t *testing.T) {
	w, store := newWorkspace(t), newThreads()
	w.refuse = func(string, url.Values) string { return "channel_not_found" }
	if got := send(t, w.bot(slack.NewMemory(store, time.Now), threaded), `{"userId":"a","quizId":"q1"}`); got.Verdict != actions.Dead {
		t.Errorf("%+v", got)
	}
	if len(store.ts) != 0 || len(w.got()) != 1 {
		t.Errorf("%v was kept after %d calls", store.ts, len(w.got()))
	}
}

// An answer can come just as the attempt's time is over.
func TestAThreadIsRememberedAlsoWhenTheAttemptIsCutOff(t *testing.T) {
	ctx, cut := context.WithCancel(t.Context())
	store := &cutOff{newThreads(), cut}
	w := newWorkspace(t)
	a := actiontest.MustCompile(t, w.bot(slack.NewMemory(store, time.Now), threaded))
	if got := a.SendRequest(ctx, a.MustRender(t, `{"userId":"a","quizId":"q1"}`)); got.Verdict != actions.Done {
		t.Fatalf("%+v", got)
	}
	if len(store.ts) != 1 {
		t.Errorf("kept is %v", store.ts)
	}
}

// cutOff cuts an attempt off when its thread is to be remembered.
type cutOff struct {
	*threads
	cut context.CancelFunc
}

func (s *cutOff) KeepThread(ctx context.Context, key, ts string, now time.Time) error {
	s.cut()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.threads.KeepThread(ctx, key, ts, now)
}
