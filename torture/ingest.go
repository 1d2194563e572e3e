package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// ingested is the usual plan with a source of rows, each of which holds an event.
var ingested = plan{
	rules: usual.rules + `sources:
  report: {event: row.event, id: row.id, company: row.companyId, data: row.data, act: always}
`,
	expect: usual.expect, deadly: usual.deadly, concurrency: usual.concurrency,
}

const (
	// rowMark is in the id of every event that comes as a row.
	rowMark = "row-"
	// rowsOfFile take heed about as long as it lives between two kills.
	rowsOfFile = 4000
)

// ingest is kill -9 while heed reads files of rows, and takes events beside them.
func (t *torture) ingest(ctx context.Context) (r result, err error) {
	err = t.batches(t.cycles, func(cycles int) error { return t.ingestOne(ctx, cycles, &r) })
	return r, err
}

func (t *torture) ingestOne(ctx context.Context, cycles int, r *result) error {
	b, err := t.newBench(ctx, sound, "", ingested, r)
	if err != nil {
		return err
	}
	defer b.close()
	b.generator.pause = 20 * time.Millisecond
	b.generator.start(ctx)
	f := &feeder{bench: b, client: &http.Client{Timeout: time.Minute}, stopping: make(chan struct{})}
	f.working.Go(func() { f.feed(ctx) })
	for range cycles {
		if err := t.live(ctx, b); err != nil {
			return err
		}
		b.kill()
		b.crash()
	}
	if err := b.startReady(ctx); err != nil {
		return err
	}
	if err := f.finish(ctx); err != nil {
		return err
	}
	return b.settle(ctx)
}

// feeder has heed read files, each again and again until it was read to its end.
type feeder struct {
	*bench
	client   *http.Client
	files    int // that were read
	resumed  int // of them, those that a kill had cut off
	stopping chan struct{}
	working  sync.WaitGroup
}

func (f *feeder) feed(ctx context.Context) {
	for ; ctx.Err() == nil; f.files++ {
		select {
		case <-f.stopping:
			return
		default:
		}
		for row := range rowsOfFile {
			f.ledger.note(wordSent, f.rowID(f.files, row))
		}
		if !f.whole(ctx) {
			return
		}
		for row := range rowsOfFile {
			f.ledger.note(wordAcked, f.rowID(f.files, row))
		}
	}
}

// whole has the current file read to its end.
func (f *feeder) whole(ctx context.Context) bool {
	for ctx.Err() == nil {
		if said, err := f.read(ctx, f.files); err == nil {
			if said.Known > 0 {
				f.resumed++
			}
			return true
		}
		pause(ctx, 5*time.Millisecond)
	}
	return false
}

func (f *feeder) rowID(file, row int) string {
	return fmt.Sprintf("%s%s%d-%d", f.generator.prefix, rowMark, file, row)
}

// rows is a file, in JSON lines.
func (f *feeder) rows(file int) []byte {
	var text bytes.Buffer
	for row := range rowsOfFile {
		id := f.rowID(file, row)
		fmt.Fprintf(&text, `{"id":%q,%s`+"\n", id, eventOf(id).body()[1:])
	}
	return text.Bytes()
}

// ingestedRows is what heed says of a file.
type ingestedRows struct {
	Rows, New, Known, Unusable int
	Broken                     bool
}

// read has heed read a file once.
func (f *feeder) read(ctx context.Context, file int) (said ingestedRows, err error) {
	url := "http://" + f.admin + "/api/v1/ingest?source=report&file=rows.jsonl"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(f.rows(file)))
	if err != nil {
		return said, err
	}
	response, err := f.client.Do(request)
	if err != nil {
		return said, err // heed is down, or went down
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return said, errors.New(response.Status)
	}
	return said, json.NewDecoder(response.Body).Decode(&said)
}

// finish begins no more files, waits for the last one, and has all of them read
// again: every row must be known. heed must be up.
func (f *feeder) finish(ctx context.Context) error {
	close(f.stopping)
	f.working.Wait()
	f.result.note("%d files with %d rows each, of which %d were cut off by a kill and read again", f.files,
		rowsOfFile, f.resumed)
	for file := range f.files {
		said, err := f.read(ctx, file)
		if err != nil {
			return fmt.Errorf("read file %d again: %w", file, err)
		}
		if said != (ingestedRows{Rows: rowsOfFile, Known: rowsOfFile}) {
			f.result.findings = append(f.result.findings, finding{
				oddAnswer,
				fmt.Sprintf("of file %d, read again: %+v", file, said),
			})
		}
	}
	return ctx.Err()
}

// isRow says whether an event came as a row.
func isRow(id string) bool { return strings.Contains(id, rowMark) }
