package actions

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"

	"heed/engine/schema"
)

// Description is what editors should know of a kind of action: the keys that
// its Configure and its actions' Step take. A test holds the two together.
type Description struct {
	// Config is the configuration, without the settings that every action
	// takes. Its Description says what the kind does.
	Config *schema.Value
	// Params are what a rule gives, without the action's name.
	Params *schema.Value
	// Retry are the keys of retry that the kind reads in addition to those of every
	// action.
	Retry schema.Keys
}

// DescribeConfig describes what Reader.Read reads: one entry under "actions:".
func (r *Registry) DescribeConfig() *schema.Value {
	entry := schema.Object("an action, configured: exactly one kind of action, and below it what the kind needs")
	for _, kind := range r.kinds {
		described := kind.Describe()
		entry.Add(schema.Optional(kind.Name(),
			described.Config.Add(describeSettings(kind.Defaults(), described.Retry)...)))
	}
	entry.MinProperties = 1
	return entry.AtMostOne(r.Names()...)
}

// DescribeStep describes one entry of "do:". A schema cannot know which kind an
// action's name stands for. So the entry explains the parameters of all kinds,
// and it must be right for one of them.
func (r *Registry) DescribeStep() *schema.Value {
	entry := &schema.Value{Type: schema.Types{"object"}, Required: []string{"action"}}
	entry.Add(schema.Optional("action", schema.Text("the name of an action that is configured under actions")))
	entry.Add(schema.Optional("order_per", schema.Text("an expression: of one action, deliveries with the same value"+
		" are sent in the order of their events, also those of other rules", "data.userId")))
	for _, kind := range r.kinds {
		params := kind.Describe().Params
		for i, key := range params.Properties {
			entry.Explain(kind.Name(), key)
			params.Properties[i].Value = key.Value.Unexplained()
		}
		params.Add(schema.Optional("order_per", &schema.Value{}))
		entry.AnyOf = append(entry.AnyOf, params.AddFirst(schema.Required("action", &schema.Value{})))
	}
	return entry
}

// describeSettings describes what readSettings reads. Defaults are told, not
// given as such, since editors would write them into the file.
func describeSettings(defaults Settings, ofKind schema.Keys) schema.Keys {
	retry := defaults.Retry
	return schema.Keys{
		schema.Optional("timeout", schema.Duration(fmt.Sprintf("bounds one attempt; %s if left out",
			duration(defaults.Timeout)), "15s", "1m")),
		schema.Optional("retry", schema.Object("how often and how soon a failed attempt is repeated",
			schema.Optional("attempts", schema.Whole(fmt.Sprintf("how many attempts, the first included; %d if left out",
				retry.Attempts), 1, maxAttempts, 3, 30)),
			schema.Optional("min", schema.Duration(fmt.Sprintf("the wait after the first attempt, which doubles with "+
				"each and is random below that; %s if left out", duration(retry.Min)), "5s", "1m")),
			schema.Optional("max", schema.Duration(fmt.Sprintf("the longest wait between two attempts; %s if left out",
				duration(retry.Max)), "1h", "3h")),
		).Add(ofKind...).OrEmpty()),
		schema.Optional("concurrency", schema.Whole(fmt.Sprintf("how many attempts at once; %d if left out",
			defaults.Concurrency), 1, maxConcurrency, 1, 8)),
		schema.Optional("rate", schema.Matching("attempts per second, minute or hour; "+rate(defaults)+" if left out",
			"^ *[0-9]+ */ *[smh] *$", "write a number per s, m or h, such as 60/m", "60/m", "20/s")),
		schema.Optional("allow_private", schema.Bool("lets the action connect to loopback, link-local and private "+
			"addresses, which are refused otherwise")),
	}
}

func rate(s Settings) string {
	if s.Rate == 0 {
		return "no limit"
	}
	return fmt.Sprintf("%d in %s", s.Rate, duration(s.RatePer))
}

func duration(d time.Duration) string { return model.Duration(d).String() }

// DescribeSecret describes what Config.Secret and Config.SecretOf take.
func DescribeSecret(description string) *schema.Value {
	return DescribeBareSecret(description).Add(
		schema.Optional("prefix", schema.Text(`what stands in front of it, such as "Bearer "`)))
}

// DescribeBareSecret describes what Reader.CheckSecret takes.
func DescribeBareSecret(description string) *schema.Value {
	v := schema.Object(description+": {env: NAME} or {file: PATH}",
		schema.Optional("env", schema.Text("the environment variable that holds it")),
		schema.Optional("file", schema.Text("the file that holds it and nothing else; it is read whenever it is used, "+
			"so it can be rotated")),
	).AtMostOne("env", "file")
	v.Type = append(v.Type, "string", "number")
	v.MinProperties = 1
	return v
}
