package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
)

func TestOnlyAClearYesIsOne(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "Yes\r\n": true, " y ": true, "n\n": false, "\n": false, "": false, "yes please\n": false} {
		var asked bytes.Buffer
		if got := ask(t.Context(), streams{in: strings.NewReader(answer), err: &asked}, "send it"); got != want || asked.String() != "send it? [y/N] " {
			t.Errorf("%q to %q is %v", answer, asked.String(), got)
		}
	}
}

// Ctrl-C at the question must not have to wait for an answer.
func TestAnInterruptIsANo(t *testing.T) {
	silent, end := io.Pipe()
	defer end.Close()
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	if ask(ctx, streams{in: silent, err: io.Discard}, "send it") {
		t.Error("it is a yes")
	}
}
