package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// reload changes the rule file twenty times a second, between two that are
// right and some that are not, and tells heed each time.
func (t *torture) reload(ctx context.Context) (r result, err error) {
	b, err := t.newBench(ctx, sound, "", flipping, &r)
	if err != nil {
		return r, err
	}
	defer b.close()
	b.generator.pause = 20 * time.Millisecond
	b.generator.start(ctx)
	if err := b.startReady(ctx); err != nil {
		return r, err
	}
	one, other := flippingRules("a", 3), flippingRules("b", 4)
	texts := []struct {
		text string
		good bool
	}{
		{one, true},
		{other, true},
		{one + "  - {name: wrong, on: quiz.submitted, when: data.scor < 8}\n", false},
		{other, true},
		{one[:len(one)-20], false},
		{one, true},
		{"", false},
	}
	taken := map[bool]int{}
	for end := time.Now().Add(t.length); time.Now().Before(end) && ctx.Err() == nil; r.cycles++ {
		next := texts[r.cycles%len(texts)]
		text := fmt.Appendf(nil, next.text, b.sinks.url, b.sinks.mail.address)
		if err := replace(b.rules, text, r.cycles%2 == 0); err != nil {
			return r, err
		}
		status, err := post("http://" + b.admin + "/-/reload")
		if err != nil {
			return r, err
		}
		if ok := status == http.StatusOK; ok != next.good {
			r.findings = append(r.findings, finding{oddAnswer, fmt.Sprintf("the reload of version %d was answered with %d",
				r.cycles%len(texts), status)})
		}
		taken[next.good]++
		time.Sleep(50 * time.Millisecond)
	}
	r.note("%d rule files were right, %d were not", taken[true], taken[false])
	err = b.settle(ctx)
	return r, err
}

// replace writes a file as editors do: in its place, or beside it and over it.
func replace(path string, text []byte, inPlace bool) error {
	if inPlace {
		return os.WriteFile(path, text, 0o600)
	}
	next := filepath.Join(filepath.Dir(path), "next")
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}

func post(url string) (status int, err error) {
	response, err := http.Post(url, "", nil)
	if err != nil {
		return 0, err
	}
	response.Body.Close()
	return response.StatusCode, nil
}
