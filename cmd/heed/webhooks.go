package main

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heed/actions"
	"heed/actions/outbound"
	"heed/internal/app"
	"heed/internal/mindtickle"
	"heed/internal/plain"
)

func newWebhooks(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhooks",
		Short: "Keep the subscription at MindTickle: register, activate, status, forget",
	}
	cmd.AddCommand(newWebhooksRegister(s), newWebhooksActivate(s), newWebhooksStatus(s), newWebhooksForget(s))
	return cmd
}

// apiOptions say how MindTickle's API is reached.
type apiOptions struct{ api, tokenFile, data string }

func (o *apiOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.api, "api", mindtickle.DefaultAPI, "address of MindTickle's API")
	cmd.Flags().StringVar(&o.tokenFile, "token-file", "", "file with the API token (default: MINDTICKLE_API_TOKEN)")
	cmd.Flags().StringVar(&o.data, "data", "./heed-data",
		"the store's directory, where what was registered is remembered")
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
as user.provisioned for user.role. It remembers the webhook's id in the data
directory. If some of them are subscribed to already, it registers the missing
ones as another webhook, so that nothing is sent twice. At another address than
before it registers all of them, and says which webhook has to be deleted at
MindTickle.`,
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
	needed := slices.Sorted(maps.Keys(app.NeededEvents(loaded.Rules)))
	if len(needed) == 0 {
		return usage("the rules at %s name no event type of MindTickle's, so there is nothing to subscribe to", rules)
	}
	memory, err := mindtickle.Remember(o.data)
	if err != nil {
		return failure(err)
	}
	here := memory.At(w.URL)
	if err := undecided(&here, w.URL); err != nil {
		return err
	}
	if w.Events = here.Missing(needed); len(w.Events) == 0 {
		fmt.Fprintln(s.out, already(needed))
		return replaceOthers(s, o, &memory, w.URL, here.Live()[0].ID)
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
	fmt.Fprintf(s.out, "registered %s for %s\n", plain.Line(id), plain.Line(strings.Join(w.Events, ", ")))
	return replaceOthers(s, o, &memory, w.URL, id)
}

// undecided refuses to register where nobody knows what is registered already:
// what came of it might be sent twice, or never.
func undecided(here *mindtickle.Memory, address string) error {
	for i := range here.Subscriptions {
		switch w := &here.Subscriptions[i]; {
		case w.ReplacedBy != "":
			return usage("%s was registered for this address, and replaced by %s: if it is still at MindTickle, heed "+
				"webhooks activate --id %[1]s takes it up again; if not, say heed webhooks forget %[1]s",
				plain.Line(w.ID),
				plain.Line(w.ReplacedBy))
		case len(w.Events) == 0:
			return usage("heed does not know which event types %s has, and so not which are missing: look at "+
				"MindTickle, and say heed webhooks activate --id %[1]s --url %[2]s --events TYPE,TYPE",
				plain.Line(w.ID), plain.Line(address))
		}
	}
	return nil
}

func already(needed []string) string {
	if len(needed) == 1 {
		return needed[0] + ", all that the rules need, is subscribed to already; heed webhooks status shows it"
	}
	return fmt.Sprintf("all %d event types that the rules need are subscribed to already; heed webhooks status "+
		"shows them", len(needed))
}

// replaceOthers remembers that the webhooks at other addresses have a successor,
// and says which are to be deleted: heed knows no call that does it.
func replaceOthers(s streams, o *apiOptions, memory *mindtickle.Memory, address, by string) error {
	here, changed := memory.At(address), false
	for _, w := range memory.Live() {
		if here.Find(w.ID) == nil {
			w.ReplacedBy, changed = by, true
		}
	}
	if changed {
		if err := memory.Save(o.data); err != nil {
			return failure(err)
		}
	}
	for i := range memory.Subscriptions {
		if w := &memory.Subscriptions[i]; w.ReplacedBy != "" {
			fmt.Fprintf(s.out, "%s at %s is still at MindTickle: %s\n", plain.Line(w.ID), plain.Line(w.URL),
				deleteThere(w))
		}
	}
	return nil
}

func deleteThere(w *mindtickle.Subscription) string {
	return "delete it there, so that nothing is sent twice, then: heed webhooks forget " + plain.Line(w.ID)
}

// checkPublic refuses an address to which MindTickle could not deliver.
func checkPublic(address string) error {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return usage("name the address at which MindTickle reaches this server: --url " +
			"https://heed.example.com/webhooks/mindtickle")
	case err != nil || u.Host == "" || u.Scheme != "https":
		return usage("--url %q cannot be delivered to: MindTickle needs an https address", address)
	case !actions.HasPort(u):
		return usage("--url %q cannot be delivered to: a port is a number from 1 to 65535", address)
	case u.Path == "" || u.Path == "/":
		return usage("--url %s lacks the path: heed receives at %s/webhooks/mindtickle, unless a proxy has another",
			address, strings.TrimRight(address, "/"))
	}
	return nil
}
