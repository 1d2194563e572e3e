package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heed/actions"
	"heed/actions/outbound"
	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/people"
	"heed/engine/record"
	"heed/internal/mindtickle"
)

func newWebhooks(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhooks",
		Short: "Keep the subscription at MindTickle: register, activate, status",
	}
	cmd.AddCommand(newWebhooksRegister(s), newWebhooksActivate(s), newWebhooksStatus(s))
	return cmd
}

// apiOptions say how MindTickle's API is reached.
type apiOptions struct{ api, tokenFile, data string }

func (o *apiOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.api, "api", mindtickle.DefaultAPI, "address of MindTickle's API")
	cmd.Flags().StringVar(&o.tokenFile, "token-file", "", "file with the API token (default: MINDTICKLE_API_TOKEN)")
	cmd.Flags().StringVar(&o.data, "data", "./heed-data", "the store's directory, where what was registered is remembered")
}

func (o *apiOptions) client(s streams) (*mindtickle.Client, error) {
	token := actions.FileSecret(o.tokenFile)
	if o.tokenFile == "" {
		token = actions.NewSecret(strings.TrimSpace(s.getenv("MINDTICKLE_API_TOKEN")))
	}
	if _, err := token.Value(); err != nil {
		return nil, usage("no API token: put it into MINDTICKLE_API_TOKEN, or into a file for --token-file (%v)", err)
	}
	// Whoever names another API knows where it is.
	return &mindtickle.Client{API: o.api, Token: token, HTTP: outbound.Client(o.api != mindtickle.DefaultAPI)}, nil
}

func newWebhooksRegister(s streams) *cobra.Command {
	var o apiOptions
	var public, rules, company string
	cmd := &cobra.Command{
		Use:   "register --url URL",
		Short: "Subscribe to exactly the event types that the rules need",
		Long: `Register subscribes this server's public address to exactly the event types that
the rules need: those that they name, and those that tell heed what they ask, such
as user.provisioned for user.role. It remembers the webhook's id in the data directory. If some of
them are subscribed to already, it registers the missing ones as another webhook,
so that nothing is sent twice.`,
		Example: "  heed webhooks register --url https://heed.example.com/webhooks/mindtickle --rules rules.yaml",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if company == "" {
				company = s.getenv("MINDTICKLE_COMPANY_ID")
			}
			return register(cmd.Context(), s, &o, mindtickle.Webhook{URL: public, Company: company}, rules)
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&public, "url", "", "the address at which MindTickle reaches this server")
	cmd.Flags().StringVar(&rules, "rules", "rules.yaml", "rule file, or directory of rule files")
	cmd.Flags().StringVar(&company, "company", "", "the company's id (default: MINDTICKLE_COMPANY_ID)")
	return cmd
}

func register(ctx context.Context, s streams, o *apiOptions, w mindtickle.Webhook, rules string) error {
	if err := checkPublic(w.URL); err != nil {
		return err
	}
	loaded, err := loadRules(s, rules)
	if err != nil {
		return err
	}
	needed := neededEvents(loaded.Rules)
	memory, err := mindtickle.Remember(o.data)
	if err != nil {
		return failure(err)
	}
	w.Events = memory.Missing(slices.Sorted(maps.Keys(needed)))
	switch {
	case len(needed) == 0:
		return usage("the rules at %s name no event type of MindTickle's, so there is nothing to subscribe to", rules)
	case len(w.Events) == 0:
		fmt.Fprintf(s.out, "all %s that the rules name are subscribed to already; heed webhooks status shows them\n", count(len(needed), "event type"))
		return nil
	}
	client, err := o.client(s)
	if err != nil {
		return err
	}
	id, err := client.Register(ctx, w)
	if err != nil {
		return failure(err)
	}
	memory.Subscriptions = append(memory.Subscriptions, mindtickle.Subscription{
		ID: id, URL: w.URL, Events: w.Events, Company: w.Company, API: o.api, RegisteredAt: time.Now().UTC(),
	})
	if err := memory.Save(o.data); err != nil {
		return failure(fmt.Errorf("the webhook %s is registered, but %w; write its id down", id, err))
	}
	fmt.Fprintf(s.out, "registered %s for %s\n", line(id), line(strings.Join(w.Events, ", ")))
	return nil
}

// checkPublic refuses an address to which MindTickle could not deliver.
func checkPublic(address string) error {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return usage("name the address at which MindTickle reaches this server: --url https://heed.example.com/webhooks/mindtickle")
	case err != nil || u.Host == "" || u.Scheme != "https":
		return usage("--url %q cannot be delivered to: MindTickle needs an https address", address)
	case u.Path == "" || u.Path == "/":
		return usage("--url %s lacks the path: heed receives at %s/webhooks/mindtickle, unless a proxy has another", address, strings.TrimRight(address, "/"))
	}
	return nil
}

// neededEvents are the event types of MindTickle's that the rules name, or by
// which heed learns what they ask, each with a rule that needs it.
func neededEvents(set *engine.RuleSet) map[string]string {
	needed := map[string]string{}
	for _, rule := range set.Rules() {
		names := rule.On
		for _, q := range rule.Asks {
			names = append(slices.Clip(names), tellers(q)...)
		}
		for _, name := range names {
			if _, have := needed[name]; !have && event.Standard().Lookup(name) != nil && !event.Reserved(name) {
				needed[name] = rule.Name
			}
		}
	}
	return needed
}

// tellers are the event types that tell heed the answer to a question.
func tellers(q expression.Question) []string {
	switch q.About {
	case expression.AboutUser:
		return []string{"user.provisioned", "user.deprovisioned"}
	case expression.AboutProgress:
		return []string{"module.progress"}
	case expression.AboutRank: // among those who have not left
		switch by, _ := people.ParseBy(q.Key); by {
		case people.ByScore:
			return []string{"course.completed", "quiz.submitted", "user.deprovisioned"}
		case people.ByCompletions:
			return []string{"module.progress", "course.completed", "quiz.submitted", "user.deprovisioned"}
		default:
			return []string{"module.progress", "user.deprovisioned"}
		}
	}
	return nil
}

func newWebhooksActivate(s streams) *cobra.Command {
	var o apiOptions
	var id, body string
	cmd := &cobra.Command{
		Use:   "activate",
		Short: "Make a suspended webhook active again",
		Long: `Activate tells MindTickle that the endpoint works again: after 24 hours of failures
it suspends a webhook. Without --id it activates every webhook that was registered
from this data directory.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return activate(cmd.Context(), s, &o, id, body) },
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&id, "id", "", "the webhook's id, if it is not remembered")
	cmd.Flags().StringVar(&body, "body", `{"status": "active"}`, "what is sent; the API's reference does not say")
	return cmd
}

func activate(ctx context.Context, s streams, o *apiOptions, id, body string) error {
	if !json.Valid([]byte(body)) {
		return usage("--body is not JSON: %s", body)
	}
	memory, err := mindtickle.Remember(o.data)
	if err != nil {
		return failure(err)
	}
	ids := []string{id}
	if id == "" {
		ids = nil
		for _, w := range memory.Subscriptions {
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
	for _, id := range ids {
		if err := client.Activate(ctx, id, body); err != nil {
			return failure(fmt.Errorf("%s: %w", id, err))
		}
		fmt.Fprintf(s.out, "%s is active\n", line(id))
		if i := slices.IndexFunc(memory.Subscriptions, func(w mindtickle.Subscription) bool { return w.ID == id }); i >= 0 {
			memory.Subscriptions[i].ActivatedAt = time.Now().UTC()
			if err := memory.Save(o.data); err != nil {
				return failure(err)
			}
		}
	}
	return nil
}

func newWebhooksStatus(s streams) *cobra.Command {
	var client clientOptions
	var rules string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Compare what was registered with what the rules name, and show the last event",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return webhooksStatus(cmd.Context(), s, &client, rules) },
	}
	client.flags(cmd)
	cmd.Flags().StringVar(&rules, "rules", "rules.yaml", "rule file, or directory of rule files")
	return cmd
}

func webhooksStatus(ctx context.Context, s streams, client *clientOptions, rules string) error {
	loaded, err := loadRules(s, rules)
	if err != nil {
		return err
	}
	memory, err := mindtickle.Remember(client.data)
	if err != nil {
		return failure(err)
	}
	if len(memory.Subscriptions) == 0 {
		fmt.Fprintf(s.out, "no webhook was registered from %s; heed webhooks register does\n", client.data)
	}
	for _, w := range memory.Subscriptions {
		fmt.Fprintf(s.out, "%s  registered %s\n  %s\n  %s\n", line(w.ID), shortTime(w.RegisteredAt), line(w.URL), line(strings.Join(w.Events, ", ")))
	}
	printLastEvent(ctx, s, client)
	code := exitOK
	needed := neededEvents(loaded.Rules)
	if len(memory.Subscriptions) > 0 {
		for _, name := range memory.Missing(slices.Sorted(maps.Keys(needed))) {
			fmt.Fprintf(s.out, "%s is used by the rule %s but is not subscribed; heed webhooks register subscribes to it\n", name, line(needed[name]))
			code = exitProblems
		}
	}
	for _, name := range memory.Events() {
		if _, used := needed[name]; !used {
			fmt.Fprintf(s.out, "%s is subscribed, and no rule needs it\n", name)
		}
	}
	return quiet(code)
}

// printLastEvent says when the last good delivery came. Without a store there
// was none.
func printLastEvent(ctx context.Context, s streams, client *clientOptions) {
	var page struct {
		Events []record.Event `json:"events"`
	}
	query := queryOf("limit", "1", "status", string(record.Accepted))
	switch err := client.fetch(ctx, s, "/api/v1/events", query, &page); {
	case err != nil:
		fmt.Fprintf(s.out, "last event: not known (%v)\n", err)
	case len(page.Events) == 0:
		fmt.Fprintln(s.out, "last event: none came yet")
	default:
		e := page.Events[0]
		fmt.Fprintf(s.out, "last event: %s at %s\n", line(e.Type), shortTime(e.ReceivedAt))
	}
}
