package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heed/engine/event"
	"heed/engine/suggest"
	"heed/internal/mindtickle"
	"heed/internal/plain"
)

type activateOptions struct {
	apiOptions
	id, body string
	// url and events are those of the webhook with the id, as MindTickle shows
	// them.
	url    string
	events []string
}

func newWebhooksActivate(s streams) *cobra.Command {
	var o activateOptions
	cmd := &cobra.Command{
		Use:   "activate",
		Short: "Make a suspended webhook active again",
		Long: `Activate tells MindTickle that the endpoint works again: after 24 hours of failures
it suspends a webhook. Without --id it activates every webhook that is remembered
in this data directory, but for those that were replaced by one at another address.

One that is named with --id is remembered from then on, with --url and --events if
they are given. One that MindTickle does not know any more is forgotten, so that
heed webhooks register registers it again.`,
		Example: "  heed webhooks activate\n  heed webhooks activate --id wh_1 --url " +
			"https://heed.example.com/webhooks/mindtickle --events quiz.submitted,course.completed",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := onlyWith(cmd, "--id", o.id != "", "url", "events"); err != nil {
				return err
			}
			return activate(cmd.Context(), s, &o)
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.id, "id", "", "the webhook's id, if it is not remembered")
	cmd.Flags().StringVar(&o.url, "url", "", "with --id: the webhook's address, to be remembered")
	cmd.Flags().StringSliceVar(&o.events, "events", nil, "with --id: the webhook's event types, to be remembered")
	cmd.Flags().StringVar(&o.body, "body", `{"status": "active"}`, "what is sent; the API's reference does not say")
	return cmd
}

// check refuses what cannot be remembered or sent.
func (o *activateOptions) check() error {
	if !json.Valid([]byte(o.body)) {
		return usage("--body is not JSON: %s", o.body)
	}
	if o.id == "" {
		return nil
	}
	known := event.Standard().Names()
	for _, name := range o.events {
		if meant := suggest.Closest(name, known); !slices.Contains(known, name) && meant != "" {
			return usage("there is no event type %q; did you mean %s?", name, meant)
		}
	}
	if o.url != "" {
		return checkPublic(o.url)
	}
	return nil
}

func activate(ctx context.Context, s streams, o *activateOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	memory, err := mindtickle.Remember(o.data)
	if err != nil {
		return failure(err)
	}
	ids := []string{o.id}
	if o.id == "" {
		ids = nil
		for _, w := range memory.Live() {
			ids = append(ids, w.ID)
		}
	}
	if len(ids) == 0 {
		return usage("no webhook was registered from %s: name its id with --id, or register one", o.data)
	}
	client, err := o.client(s)
	if err != nil {
		return err
	}
	code := exitOK
	for _, id := range ids {
		err := client.Activate(ctx, id, o.body)
		refused, isRefused := errors.AsType[*mindtickle.RefusedError](err)
		switch {
		case isRefused && refused.Status == http.StatusNotFound:
			code = exitFailure
			printProblem(s, fmt.Errorf("%s: %w", id, err))
			err = o.gone(s, &memory, id)
		case err != nil:
			return failure(fmt.Errorf("%s: %w", id, err))
		default:
			err = o.active(s, &memory, id)
		}
		if err != nil {
			return failure(err)
		}
	}
	return quiet(code)
}

// active remembers that a webhook is active, and all that is said of it.
func (o *activateOptions) active(s streams, memory *mindtickle.Memory, id string) error {
	fmt.Fprintf(s.out, "%s is active\n", plain.Line(id))
	w := memory.Find(id)
	isNew := w == nil
	if isNew {
		memory.Subscriptions = append(memory.Subscriptions, mindtickle.Subscription{ID: id, API: o.api})
		w = memory.Find(id)
	}
	w.ActivatedAt, w.ReplacedBy = time.Now().UTC(), ""
	if o.id != "" && o.url != "" {
		w.URL = o.url
	}
	if len(o.events) > 0 {
		w.Events = slices.Sorted(slices.Values(o.events))
	}
	if err := memory.Save(o.data); err != nil {
		return err
	}
	var unknown, flags []string
	if w.URL == "" {
		unknown, flags = append(unknown, "address"), append(flags, "--url")
	}
	if len(w.Events) == 0 {
		unknown, flags = append(unknown, "event types"), append(flags, "--events")
	}
	switch {
	case isNew && len(unknown) > 0:
		fmt.Fprintf(s.out, "heed remembers %s from now on, but not its %s: say them with %s\n", plain.Line(id),
			strings.Join(unknown, " and "), strings.Join(flags, " and "))
	case isNew:
		fmt.Fprintf(s.out, "heed remembers %s from now on\n", plain.Line(id))
	}
	return nil
}

// gone forgets a webhook that MindTickle does not know, unless it was asked
// elsewhere than where the webhook was registered.
func (o *activateOptions) gone(s streams, memory *mindtickle.Memory, id string) error {
	switch w := memory.Find(id); {
	case w == nil:
		fmt.Fprintf(s.out, "%s was never remembered here; look at MindTickle for the id\n", plain.Line(id))
	case w.API != "" && strings.TrimRight(w.API, "/") != strings.TrimRight(o.api, "/"):
		fmt.Fprintf(s.out, "%s was registered at %s: name that with --api\n", plain.Line(id), plain.Line(w.API))
	default:
		memory.Forget(id)
		if err := memory.Save(o.data); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s is forgotten; heed webhooks register registers it again\n", plain.Line(id))
	}
	return nil
}
