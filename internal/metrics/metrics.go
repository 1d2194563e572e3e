// Package metrics owns the names and meanings of heed's metrics. internal/app connects
// them to the other parts, which do not know Prometheus.
package metrics

import (
	"context"
	"iter"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics holds all of heed's metrics, in a registry of their own.
type Metrics struct {
	registry *prometheus.Registry

	events     *prometheus.CounterVec
	sourced    *prometheus.CounterVec
	refused    *prometheus.CounterVec
	decisions  decisions
	deliveries *prometheus.CounterVec
	suppressed *prometheus.CounterVec
	delivery   *prometheus.HistogramVec
	accept     prometheus.Histogram
	batch      prometheus.Histogram
	reloadOK   prometheus.Gauge
	reloadTime prometheus.Gauge
	rulesInfo  *prometheus.GaugeVec
	known      map[string]bool // event types that may be a label
}

// New registers the metrics. eventTypes are the types that may become label values;
// others are counted as "other", so that nobody can fill memory with names.
func New(version string, eventTypes []string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), known: map[string]bool{"": true},
		decisions: decisions{outcome: map[decision]float64{}},
	}
	for _, name := range eventTypes {
		m.known[name] = true
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		m.registry.MustRegister(g)
		return g
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
		m.registry.MustRegister(h)
		return h
	}
	m.events = counter("heed_events_total",
		"Webhook requests by event type and what became of them: accepted, duplicate, quarantined or refused.",
		"event", "result")
	m.sourced = counter("heed_source_events_total",
		"Events by the source that they came from, and what became of them: accepted, duplicate or quarantined.",
		"source", "result")
	m.refused = counter("heed_refused_total", "Webhook requests that were refused, by reason.", "reason")
	m.registry.MustRegister(&m.decisions)
	m.deliveries = counter("heed_deliveries_total",
		"Ended attempts by action and what they left the delivery as: done, retrying, dead; held for those never to "+
			"be sent.",
		"action", "outcome")
	m.suppressed = counter("heed_suppressed_total",
		"Alerts that a rule's state kept from being sent, by rule and effect.", "rule", "effect")
	m.delivery = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "heed_delivery_seconds", Help: "How long an attempt took, by action.",
		Buckets: prometheus.ExponentialBuckets(0.005, 2.5, 10),
	}, []string{"action"})
	m.registry.MustRegister(m.delivery)
	m.accept = histogram("heed_accept_seconds",
		"From the arrival of a good request to its answer, commit included.",
		prometheus.ExponentialBuckets(0.0005, 2, 14))
	m.batch = histogram("heed_commit_batch_size",
		"Events that were committed together.", prometheus.ExponentialBuckets(1, 2, 10))
	m.reloadOK = gauge("heed_rules_last_reload_successful",
		"1 if the rule files as they are now are active, 0 if an older set still is.")
	m.reloadTime = gauge("heed_rules_last_reload_success_timestamp_seconds", "When rules were last activated.")
	m.rulesInfo = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "heed_rules_info", Help: "The active rule set; version is the start of its hash.",
	}, []string{"version"})
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "heed_build_info", Help: "What runs here.",
	}, []string{"version", "goversion"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(m.rulesInfo, build, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler returns a handler that serves the metrics in the Prometheus format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Received counts a webhook request. result is accepted, duplicate, quarantined or
// refused. A refused request has a reason and no event type.
func (m *Metrics) Received(eventType, result, reason string, took time.Duration) {
	if !m.known[eventType] {
		eventType = "other"
	}
	m.events.WithLabelValues(eventType, result).Inc()
	if result == "refused" {
		m.refused.WithLabelValues(reason).Inc()
		return
	}
	m.accept.Observe(took.Seconds())
}

// Sourced counts events of a source. result is accepted, duplicate or quarantined.
func (m *Metrics) Sourced(source, result string, n int) {
	m.sourced.WithLabelValues(source, result).Add(float64(n))
}

// Listen registers a rule set that decides from now on, with the event types that each
// rule listens to.
func (m *Metrics) Listen(version string, rules map[string][]string) {
	m.decisions.listen(version, rules)
}

// Decided counts an event decided by the rule set of that version, and each outcome other
// than not_matched. It ignores versions other than the active one and its predecessor.
func (m *Metrics) Decided(version, event string, outcomes iter.Seq2[string, string]) {
	m.decisions.count(version, event, outcomes)
}

// Delivered counts the end of an attempt, or a delivery that is never sent.
func (m *Metrics) Delivered(action, outcome string, took time.Duration) {
	m.deliveries.WithLabelValues(action, outcome).Inc()
	if took > 0 {
		m.delivery.WithLabelValues(action).Observe(took.Seconds())
	}
}

// Suppressed counts an alert that a rule's state kept from being sent.
func (m *Metrics) Suppressed(rule, effect string) { m.suppressed.WithLabelValues(rule, effect).Inc() }

// Committed records how many events one commit contained.
func (m *Metrics) Committed(events int) { m.batch.Observe(float64(events)) }

// Reloaded records an attempt to load rules. If it succeeded, version is the hash of the
// active rules.
func (m *Metrics) Reloaded(ok bool, version string, at time.Time) {
	if !ok {
		m.reloadOK.Set(0)
		return
	}
	m.reloadOK.Set(1)
	m.reloadTime.Set(seconds(at))
	m.rulesInfo.Reset()
	m.rulesInfo.WithLabelValues(version[:min(12, len(version))]).Set(1)
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// WatchLastGood registers heed_last_good_delivery_timestamp_seconds, read at each scrape.
// The zero time is reported as 0.
func (m *Metrics) WatchLastGood(lastGood func() time.Time) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "heed_last_good_delivery_timestamp_seconds",
		Help: "When the last verified event came that was new and signed within the accepted window; 0 if none ever " +
			"did.",
	}, func() float64 {
		if at := lastGood(); !at.IsZero() {
			return seconds(at)
		}
		return 0
	}))
}

// WatchPending registers heed_deliveries_pending, read from the store at each scrape.
func (m *Metrics) WatchPending(pending func(context.Context) (map[string]int, error)) {
	m.watch("heed_deliveries_pending", "Deliveries that are still to be sent, by action.", "action", pending)
}

// WatchState registers heed_state_keys and heed_timers_pending, read from the store at
// each scrape.
func (m *Metrics) WatchState(keys, timers func(context.Context) (map[string]int, error)) {
	m.watch("heed_state_keys", "Keys that rules keep state of, by rule.", "rule", keys)
	m.watch("heed_timers_pending", "Waits, digests, held alerts and summaries that will be due, by rule.", "rule",
		timers)
}

// WatchProcesses registers heed_processes, read from the store at each scrape.
func (m *Metrics) WatchProcesses(byRules func(context.Context) (map[string]int, error)) {
	m.watch("heed_processes",
		"Processes that share the store, by the version of their rules: more than one version is a skew.", "rules",
		byRules)
}

// watch registers a gauge with one label from counts.
func (m *Metrics) watch(name, help, label string, counts func(context.Context) (map[string]int, error)) {
	m.registry.MustRegister(&gauge{
		prometheus.NewDesc(name, help, []string{label}, nil),
		func(ctx context.Context, set func(n int, labels ...string)) error {
			values, err := counts(ctx)
			for of, n := range values {
				set(n, of)
			}
			return err
		},
	})
}

// WatchProjection registers heed_projection_lag_seconds, read at each scrape.
func (m *Metrics) WatchProjection(lag func() time.Duration) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "heed_projection_lag_seconds",
		Help: "For how long events of other processes have not been learnt that tell of people.",
	}, func() float64 { return lag().Seconds() }))
}

// WatchHealth registers heed_rule_health, read at each scrape. problems returns the
// suspicious findings about the rules, by rule, each once.
func (m *Metrics) WatchHealth(problems func(context.Context) (map[string][]string, error)) {
	m.registry.MustRegister(&gauge{
		prometheus.NewDesc("heed_rule_health",
			"1 for each thing that is odd about a rule; heed rules list says it in words.",
			[]string{"rule", "problem"}, nil),
		func(ctx context.Context, set func(n int, labels ...string)) error {
			rules, err := problems(ctx)
			for rule, problems := range rules {
				for _, problem := range problems {
					set(1, rule, problem)
				}
			}
			return err
		},
	})
}

// A gauge is read at each scrape.
type gauge struct {
	desc *prometheus.Desc
	read func(ctx context.Context, set func(n int, labels ...string)) error
}

// Describe implements prometheus.Collector.
func (g *gauge) Describe(ch chan<- *prometheus.Desc) { ch <- g.desc }

// Collect implements prometheus.Collector.
func (g *gauge) Collect(ch chan<- prometheus.Metric) {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	err := g.read(ctx, func(n int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, float64(n), labels...)
	})
	if err != nil {
		ch <- prometheus.NewInvalidMetric(g.desc, err)
	}
}
