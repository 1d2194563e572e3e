package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"heed/engine"
	"heed/engine/ruletest"
	"heed/internal/admin"
	"heed/internal/plain"
)

type replayOptions struct {
	client    clientOptions
	output    string
	send, yes bool
}

func newEventsReplay(s streams) *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay ID…",
		Short: "Decide recorded events once more, by the current rules",
		Long: `Replay shows what the current rules would do with recorded events, as dry-run
does. With --send it then does that: the new deliveries are stored and sent,
beside those that there are already. On a terminal it asks first.

It takes a running server, whose rules decide. An event that was quarantined can
be replayed if its body is an event.

Exit code 0: all were replayed.  1: one could not be.`,
		Example: "  heed events replay evt-1042\n  heed events replay --send evt-1042 evt-1043",
		Args:    needs("events by their ids"),
		RunE:    func(cmd *cobra.Command, ids []string) error { return replayEvents(cmd.Context(), s, &o, ids) },
	}
	o.client.flags(cmd)
	cmd.Flags().BoolVar(&o.send, "send", false, "send what the current rules ask for")
	yesFlag(cmd, &o.yes)
	outputFlag(cmd, &o.output, "text", "json")
	return cmd
}

// replayEvents shows what a replay would do and, if it is to, does it. An event
// that cannot be replayed keeps no other from it.
func replayEvents(ctx context.Context, s streams, o *replayOptions, ids []string) error {
	client, err := o.client.open(ctx, s)
	if err != nil {
		return err
	}
	defer client.close()
	possible, sends, err := previewReplay(ctx, s, client, o, ids)
	if err != nil {
		return err
	}
	code := exitOK
	if len(possible) < len(ids) {
		code = exitProblems
	}
	switch {
	case !o.send:
		return quiet(code)
	case sends == 0:
		fmt.Fprintln(s.err, "there is nothing to send")
		return quiet(code)
	}
	question := fmt.Sprintf("send %s of %s", plain.Count(sends, "delivery"), plain.Count(len(possible), "event"))
	// --send is a clear word where nobody can be asked.
	if ok, err := confirm(ctx, s, o.yes || !canAsk(s.in), question); err != nil || !ok {
		return err
	}
	for _, id := range possible {
		if err := sendReplay(ctx, s, client, o, id); err != nil {
			return err
		}
	}
	return quiet(code)
}

// previewReplay shows what a replay of each event would do, and gives those
// that can be replayed and how many deliveries that would send. For programs
// that ask to send it shows nothing: they read what was sent.
func previewReplay(
	ctx context.Context, s streams, client *apiClient, o *replayOptions, ids []string,
) (possible []string, sends int, err error) {
	for _, id := range ids {
		raw, err := client.replay(ctx, id, false)
		if isProblem(err) {
			printProblem(s, err)
			continue
		}
		var would ruletest.Result // a replay has the shape of a dry run
		if err == nil {
			err = decode(raw, &would)
		}
		if err != nil {
			return nil, 0, err
		}
		possible = append(possible, id)
		for i := range would.Decisions {
			for _, action := range would.Decisions[i].Actions {
				if action.Problem == "" && would.Decisions[i].Mode != engine.ModeShadow {
					sends++
				}
			}
		}
		switch {
		case o.output == "text":
			if len(possible) > 1 {
				fmt.Fprintln(s.out)
			}
			printResult(s.out, s.style(s.out), id, &would)
		case !o.send:
			fmt.Fprintln(s.out, string(raw))
		}
	}
	return possible, sends, nil
}

func sendReplay(ctx context.Context, s streams, client *apiClient, o *replayOptions, id string) error {
	raw, err := client.replay(ctx, id, true)
	if err != nil {
		return err
	}
	if o.output == "json" {
		fmt.Fprintln(s.out, string(raw))
		return nil
	}
	var did admin.Replay
	if err := decode(raw, &did); err != nil {
		return failure(err)
	}
	fmt.Fprintf(s.out, "\n%s replayed\n", plain.Line(id))
	for i := range did.Decisions {
		if did.Decisions[i].Mode == engine.ModeShadow {
			continue
		}
		for _, action := range did.Decisions[i].Actions {
			fmt.Fprintf(s.out, "  %s  %s → %s\n", action.Delivery, plain.Line(did.Decisions[i].Rule),
				plain.Line(action.Action.Action))
		}
	}
	return nil
}

// replay replays an event through the API, which answers on one line.
func (c *apiClient) replay(ctx context.Context, id string, send bool) (json.RawMessage, error) {
	var raw json.RawMessage
	err := c.post(ctx, "/api/v1/events/"+admin.Segment(id)+"/replay", map[string]bool{"send": send}, &raw)
	return bytes.TrimSpace(raw), err
}
