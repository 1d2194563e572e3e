package intake

import (
	"context"
	"fmt"
	"time"

	"heed/engine/record"
	"heed/engine/source"
)

// Row is one row of a file: a source.Row, or what a line of JSON holds.
type Row struct {
	// File and Line say where the row stands.
	File  string
	Line  int
	Value any
}

// AcceptRows stores the events of rows of one source and says what became of each.
// Rows that were seen before cost little: their ids are looked up first. A row that was
// quarantined before and still cannot be used is a duplicate with a reason. An error
// means that nothing was stored.
func (in *Intake) AcceptRows(ctx context.Context, s *source.Source, rows []Row) ([]Answer, error) {
	answers := make([]Answer, len(rows))
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = s.Mapping.RowID(rows[i].Value)
	}
	known, err := in.Store.Known(ctx, SpaceOf(s.IDs), ids)
	if err != nil {
		return nil, err
	}
	now := in.Now().UTC()
	var arrivals []arrival
	var places []int
	for i := range rows {
		if ids[i] != "" && known[i] {
			answers[i] = Answer{Source: s.Name, ID: ids[i], Duplicate: true}
			continue
		}
		arrivals, places = append(arrivals, in.row(s, &rows[i], now)), append(places, i)
	}
	stored, err := in.accept(ctx, arrivals, now)
	if err != nil {
		return nil, err
	}
	for i, place := range places {
		answers[place] = stored[i]
	}
	return answers, nil
}

func (in *Intake) row(s *source.Source, row *Row, now time.Time) arrival {
	made := s.Mapping.Row(row.Value)
	a := in.made(s, &made, time.Time{}, now)
	a.stored.Good = a.stored.Status == record.Accepted && in.RowsShow != nil && in.RowsShow()
	if a.stored.Detail != "" {
		a.stored.Detail = fmt.Sprintf("%s:%d: %s", row.File, row.Line, a.stored.Detail)
	}
	return a
}
