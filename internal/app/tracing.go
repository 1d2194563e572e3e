package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"heed/actions"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/internal/receiver"
)

// tracing makes spans, if the environment asks for them: one for each event of a
// request, and below it one for each attempt at a delivery, also days later and in
// another process. Their ids come from the event's, so nothing is stored for it.
type tracing struct {
	tracer trace.Tracer
	// isOff says that nobody asked for spans.
	isOff bool
	// Close sends what is left.
	close func(context.Context) error
}

// tracesAsked are the variables of OpenTelemetry of which one asks for traces.
var tracesAsked = []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}

// newTracing follows OTEL_…; without them there are no spans.
func newTracing(ctx context.Context, env LookupEnv, version string, log *slog.Logger) (*tracing, error) {
	off := &tracing{noop.NewTracerProvider().Tracer("heed"), true, func(context.Context) error { return nil }}
	asked := false
	for _, name := range tracesAsked {
		value, _ := env(name)
		asked = asked || value != ""
	}
	disabled, _ := env("OTEL_SDK_DISABLED")
	exporter, _ := env("OTEL_TRACES_EXPORTER")
	if !asked || disabled == "true" || exporter == "none" {
		return off, nil
	}
	client, err := otlptracehttp.New(ctx) // reads the endpoint, headers and certificates from OTEL_…
	if err != nil {
		return nil, fmt.Errorf("start OpenTelemetry: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces cannot be sent", "error", err) }))
	described, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "heed"), attribute.String("service.version", version),
	), resource.WithFromEnv())
	if err != nil {
		log.Warn("a resource of OpenTelemetry cannot be read", "error", err)
	}
	return tracingTo(sdktrace.WithBatcher(client), sdktrace.WithResource(described)), nil
}

func tracingTo(options ...sdktrace.TracerProviderOption) *tracing {
	provider := sdktrace.NewTracerProvider(append(options, sdktrace.WithIDGenerator(eventIDs{}))...)
	return &tracing{provider.Tracer("heed"), false, provider.Shutdown}
}

// eventKey is the key of an event's id in a context.
type eventKey struct{}

// eventIDs gives the first span of an event ids that follow from the event's.
type eventIDs struct{}

// NewIDs implements sdktrace.IDGenerator.
func (eventIDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if id, ok := ctx.Value(eventKey{}).(string); ok {
		of := spanOf(id)
		return of.TraceID(), of.SpanID()
	}
	var traceID trace.TraceID
	for i := range traceID {
		traceID[i] = byte(rand.UintN(256))
	}
	return traceID, eventIDs{}.NewSpanID(ctx, traceID)
}

// NewSpanID implements sdktrace.IDGenerator.
func (eventIDs) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	for i := range id {
		id[i] = byte(rand.UintN(256))
	}
	id[0] |= 1 // all zeros would be no id
	return id
}

// spanOf is the span of an event's arrival.
func spanOf(event string) trace.SpanContext {
	sum := sha256.Sum256([]byte(event))
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID(sum[:16]), SpanID: trace.SpanID(sum[16:24]), TraceFlags: trace.FlagsSampled,
		Remote: true,
	})
}

// accepting makes spans of what an intake accepts.
func (t *tracing) accepting(next receiver.Intake) receiver.Intake {
	if t.isOff {
		return next
	}
	return tracedIntake{t, next}
}

type tracedIntake struct {
	*tracing
	next receiver.Intake
}

// Accept implements receiver.Intake.
func (t tracedIntake) Accept(ctx context.Context, r intake.Request) ([]intake.Answer, error) {
	began := time.Now()
	answers, err := t.next.Accept(ctx, r)
	if err != nil {
		_, span := t.tracer.Start(ctx, "accept "+r.Source.Name, trace.WithTimestamp(began),
			trace.WithSpanKind(trace.SpanKindServer))
		span.SetStatus(codes.Error, err.Error())
		span.End()
	}
	for i := range answers {
		a := &answers[i]
		if a.Duplicate || a.Repeated {
			continue // its span was made when it came first
		}
		_, span := t.tracer.Start(context.WithValue(ctx, eventKey{}, a.ID), "accept "+r.Source.Name,
			trace.WithTimestamp(began), trace.WithSpanKind(trace.SpanKindServer), trace.WithNewRoot(), trace.WithAttributes(
				attribute.String("heed.event", a.ID), attribute.String("heed.type", a.Type),
				attribute.Int("heed.deliveries", a.Deliveries), attribute.String("heed.quarantined", a.Quarantined),
			))
		span.End()
	}
	return answers, err
}

// delivering makes spans of attempts at deliveries.
func (t *tracing) delivering(
	deliver func(context.Context, record.Delivery) actions.Outcome,
) func(context.Context, record.Delivery) actions.Outcome {
	return func(ctx context.Context, d record.Delivery) actions.Outcome {
		ctx, span := t.tracer.Start(trace.ContextWithRemoteSpanContext(ctx, spanOf(d.EventID)), "deliver "+d.Action,
			trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
				attribute.String("heed.delivery", d.ID), attribute.String("heed.rule", d.Rule),
				attribute.String("heed.kind", d.Kind), attribute.Int("heed.attempt", d.Attempts),
			))
		defer span.End()
		o := deliver(ctx, d)
		span.SetAttributes(attribute.String("heed.verdict", string(o.Verdict)))
		if o.Verdict != actions.Done {
			span.SetStatus(codes.Error, o.Error) // in which secrets are masked
		}
		return o
	}
}
