package admin

import (
	"context"
	"fmt"
	"io"

	"heed/engine/suggest"
	"heed/internal/ingest"
)

// IngestQuery asks for a file of rows to be read.
type IngestQuery struct {
	// Source is the source whose rows they are, File the file's name, for messages
	// and, by its end, for the format.
	Source, File string
	// DryRun only says what would happen. Against is then another source, whose
	// events count as known.
	DryRun  bool
	Against string
}

// Ingested is what became of a file or, in a dry run, would become of it.
type Ingested struct {
	ingest.Result
	DryRun bool `json:"dry_run"`
	// Rules are the rules that matched new events in a dry run, with what they
	// would have sent at once. The state of rules begins empty for that.
	Rules []RuleCount `json:"rules,omitempty"`
}

// RuleCount is how often a rule matched, and sent something.
type RuleCount struct {
	Rule    string `json:"rule"`
	Matched int    `json:"matched"`
	Alerts  int    `json:"alerts"`
}

// UnknownSourceError says that there is no source of that name.
type UnknownSourceError struct {
	Source string
	Known  []string
}

func (e *UnknownSourceError) Error() string {
	if len(e.Known) == 0 {
		return "no source of rows is configured: write one under sources: in the rule file"
	}
	return fmt.Sprintf("there is no source of rows called %s; %s", e.Source, suggest.DidYouMean(e.Source, e.Known))
}

// Ingest reads a file of rows.
func (s *Service) Ingest(ctx context.Context, q IngestQuery, file io.Reader) (Ingested, error) {
	switch {
	case s.o.Ingest == nil:
		return Ingested{}, errNoServer
	case q.Against != "" && !q.DryRun:
		return Ingested{}, errorf(Invalid, "against is for a dry run")
	}
	done, err := s.o.Ingest(ctx, q, file)
	if !q.DryRun {
		s.note(ctx, "ingest", "source="+q.Source+" file="+q.File, done.New, err)
	}
	if unknown, ok := err.(*UnknownSourceError); ok {
		return done, errorf(Invalid, "%s", unknown.Error())
	}
	return done, err
}
