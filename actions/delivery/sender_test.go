package delivery_test

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"heed/actions"
	"heed/actions/delivery"
	"heed/engine/record"
)

// action sends by a function.
type action func(context.Context, actions.Message) actions.Outcome

func (action) Step(*actions.Params) actions.Step { return nil }

func (a action) Send(ctx context.Context, m actions.Message) actions.Outcome { return a(ctx, m) }

func TestADeliveryIsSentThroughTheActionThatIsConfiguredNow(t *testing.T) {
	var got actions.Message
	configured := map[string]*actions.Configured{"a": {Name: "a", Kind: "stub", Settings: standard, Action: action(func(_ context.Context, m actions.Message) actions.Outcome {
		got = m
		return actions.Outcome{Verdict: actions.Dead, Error: "no"}
	})}}
	fallback := actions.Settings{Timeout: time.Second, Concurrency: 1}
	s := delivery.Sender{Action: func(name string) (*actions.Configured, bool) { c, ok := configured[name]; return c, ok }, Fallback: fallback}
	o := s.Deliver(t.Context(), record.Delivery{ID: "d1", Action: "a", Kind: "stub", Request: json.RawMessage(`{"x":1}`)})
	if !reflect.DeepEqual(o, actions.Outcome{Verdict: actions.Dead, Error: "no"}) || got.ID != "d1" || string(got.Request) != `{"x":1}` {
		t.Errorf("%+v, %+v", o, got)
	}
	if s.Settings("a") != standard || s.Settings("b") != fallback {
		t.Errorf("%+v, %+v", s.Settings("a"), s.Settings("b"))
	}
	for kind, want := range map[string]struct{ action, err string }{
		"stub": {"gone", "no action is called gone any more; configure it again and this is sent"},
		"http": {"a", "a was a http action when this was rendered and is a stub action now; make it a http action again and this is sent"},
	} {
		got = actions.Message{}
		o := s.Deliver(t.Context(), record.Delivery{ID: "d2", Action: want.action, Kind: kind})
		if !reflect.DeepEqual(o, actions.Outcome{Verdict: actions.Retry, Error: want.err}) || got.ID != "" {
			t.Errorf("%+v", o)
		}
	}
}

func TestADeliveryWhoseActionIsMissingIsSentWhenItComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, "a")
		back := time.Now().Add(time.Minute)
		s := delivery.Sender{
			Action: func(string) (*actions.Configured, bool) {
				return &actions.Configured{Kind: "stub", Settings: standard, Action: action(func(ctx context.Context, m actions.Message) actions.Outcome {
					return actions.Outcome{Verdict: actions.Done}
				})}, time.Now().After(back)
			},
			Fallback: actions.Settings{Retry: actions.DefaultRetry, Timeout: time.Second, Concurrency: 1},
		}
		l := begin(t, q, s.Deliver, func(o *delivery.Options) { o.Settings = s.Settings })
		time.Sleep(time.Hour)
		_ = l.end()
		if d := q.row("a-0"); d.State != record.Done || d.Attempts < 2 {
			t.Errorf("%+v", d)
		}
	})
}
