package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"time"

	"heed/engine/record"
)

// reader reads back what heed remembers, as anybody could.
type reader struct{ base string }

// comesBack is how long a database that was killed last may be away still: heed
// answers 503 meanwhile.
const comesBack = 10 * time.Second

func (r *reader) get(ctx context.Context, path string, into any) error {
	for deadline := time.Now().Add(comesBack); ; time.Sleep(50 * time.Millisecond) {
		status, err := r.getOnce(ctx, path, into)
		if status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			return err
		}
	}
}

func (r *reader) getOnce(ctx context.Context, path string, into any) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+path, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return response.StatusCode, fmt.Errorf("%s: %s", path, response.Status)
	}
	return response.StatusCode, json.NewDecoder(response.Body).Decode(into)
}

func (r *reader) events(ctx context.Context) (all []record.Event, err error) {
	for cursor := ""; ; {
		var page struct {
			Events []record.Event `json:"events"`
			Next   string         `json:"next_cursor"`
		}
		if err := r.get(ctx, "/api/v1/events?limit=500&cursor="+cursor, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Events...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

func (r *reader) deliveries(ctx context.Context) (all []record.Delivery, err error) {
	for cursor := ""; ; {
		var page deliveryPage
		if err := r.get(ctx, "/api/v1/deliveries?limit=500&cursor="+cursor, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Deliveries...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

type deliveryPage struct {
	Deliveries []record.Delivery `json:"deliveries"`
	Next       string            `json:"next_cursor"`
}

// drained waits until no delivery waits any more.
func (r *reader) drained(ctx context.Context, limit time.Duration) error {
	for deadline := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		var waiting []record.Delivery
		for _, state := range []record.State{record.Pending, record.Retrying} {
			var page deliveryPage
			if err := r.get(ctx, "/api/v1/deliveries?limit=500&state="+string(state), &page); err != nil {
				return err
			}
			waiting = append(waiting, page.Deliveries...)
		}
		switch {
		case len(waiting) == 0:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("%d deliveries or more still wait after %v, among them %+v", len(waiting), limit, waiting[0])
		}
	}
}

// fired waits until no wait or alert of a rule is due any more, now or later, and
// returns how many are after a limit, by rule.
func (r *reader) fired(ctx context.Context, limit time.Duration) (pending map[string]int, err error) {
	for deadline := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		var status struct {
			Timers map[string]int `json:"timers"`
		}
		if err := r.get(ctx, "/api/v1/status", &status); err != nil {
			return nil, err
		}
		if len(status.Timers) == 0 || time.Now().After(deadline) {
			return status.Timers, nil
		}
	}
}

// sameJSON says whether two texts hold the same, whatever the order of their keys.
func sameJSON(a, b []byte) bool {
	var one, other any
	return json.Unmarshal(a, &one) == nil && json.Unmarshal(b, &other) == nil && reflect.DeepEqual(one, other)
}

// checkBodies looks at the bodies of the big events and of some of the others.
func (r *reader) checkBodies(ctx context.Context, events []record.Event) (found []finding, err error) {
	big := 0
	for i, stored := range events {
		sent := eventOf(stored.ID)
		switch {
		case stored.Status == record.Timed:
			continue // heed made it
		case sent.size > 0 && big < 20:
			big++
		case i%(len(events)/50+1) != 0:
			continue
		}
		var shown struct {
			Body json.RawMessage `json:"body"`
		}
		if err := r.get(ctx, "/api/v1/events/"+url.PathEscape(stored.ID), &shown); err != nil {
			return nil, err
		}
		if !bytes.Equal(shown.Body, sent.body()) && !(isRow(stored.ID) && sameJSON(shown.Body, sent.body())) {
			found = append(found, finding{wrongBody, stored.ID})
		}
	}
	return found, nil
}
