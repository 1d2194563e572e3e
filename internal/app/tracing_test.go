package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"heed/actions"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/source"
)

type intakeFunc func(context.Context, intake.Request) ([]intake.Answer, error)

func (f intakeFunc) Accept(ctx context.Context, r intake.Request) ([]intake.Answer, error) {
	return f(ctx, r)
}

// An attempt is a span below that of its event's arrival, whichever process makes it.
func TestTracing_joinsRequestAndDelivery(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	receives, sends := tracingTo(sdktrace.WithSpanProcessor(spans)), tracingTo(sdktrace.WithSpanProcessor(spans))
	accept := receives.accepting(intakeFunc(func(context.Context, intake.Request) ([]intake.Answer, error) {
		return []intake.Answer{{ID: "e1", Type: "quiz.submitted"}, {ID: "e2", Duplicate: true}}, nil
	}))
	if _, err := accept.Accept(t.Context(), intake.Request{Source: source.MindtickleSource()}); err != nil {
		t.Fatal(err)
	}
	deliver := sends.delivering(func(context.Context, record.Delivery) actions.Outcome {
		return actions.Outcome{Verdict: actions.Retry, Error: "answered 503"}
	})
	for range 2 {
		deliver(t.Context(), record.Delivery{ID: "d1", EventID: "e1", Action: "lms"})
	}
	ended := spans.Ended()
	if len(ended) != 3 {
		t.Fatalf("%d spans", len(ended))
	}
	arrival := ended[0]
	for _, attempt := range ended[1:] {
		if attempt.SpanContext().TraceID() != arrival.SpanContext().TraceID() || attempt.Parent().SpanID() != arrival.SpanContext().SpanID() {
			t.Errorf("%s is not below %s", attempt.Name(), arrival.Name())
		}
		if attempt.Status().Description != "answered 503" {
			t.Errorf("%+v", attempt.Status())
		}
	}
	if ended[1].SpanContext().SpanID() == ended[2].SpanContext().SpanID() {
		t.Error("two attempts are one span")
	}
}

func TestTracing_isOffUnlessTheEnvironmentAsks(t *testing.T) {
	for name, c := range map[string]struct {
		env map[string]string
		on  bool
	}{
		"nothing":  {nil, false},
		"asked":    {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "set"}, true},
		"disabled": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "set", "OTEL_SDK_DISABLED": "true"}, false},
		"none":     {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "set", "OTEL_TRACES_EXPORTER": "none"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan string, 10)
			collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got <- r.URL.Path + " " + string(body)
			}))
			defer collector.Close()
			for key, value := range c.env {
				if value == "set" {
					value = collector.URL
				}
				t.Setenv(key, value)
			}
			env := func(name string) (string, bool) { value, ok := c.env[name]; return value, ok }
			tr, err := newTracing(t.Context(), env, "v1", slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			_, span := tr.tracer.Start(t.Context(), "a span")
			span.End()
			if err := tr.close(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
			if len(got) > 0 != c.on {
				t.Errorf("%d requests came to the collector", len(got))
			}
			if c.on {
				if text := <-got; !strings.HasPrefix(text, "/v1/traces ") || !strings.Contains(text, "a span") {
					t.Errorf("%q", text)
				}
			}
		})
	}
}
