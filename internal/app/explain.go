package app

import (
	"context"
	"fmt"
	"sync"

	"heed/engine"
	"heed/engine/document"
	"heed/engine/rulefile"
	"heed/internal/store"
)

// explainer finds the rule set that decided an event, from its recorded text.
// The last few are kept compiled.
type explainer struct {
	env   LookupEnv
	store *store.DB

	mu   sync.Mutex
	sets map[string]*engine.RuleSet
	used []string // hashes, least recently compiled first
}

// keptSets is how many compiled rule sets are kept.
const keptSets = 4

func newExplainer(env LookupEnv, db *store.DB) *explainer {
	return &explainer{env: env, store: db, sets: map[string]*engine.RuleSet{}}
}

func (x *explainer) ruleSet(ctx context.Context, hash string) (*engine.RuleSet, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if set, ok := x.sets[hash]; ok {
		return set, nil
	}
	recorded, ok, err := x.store.RuleSet(ctx, hash)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("the rule set %s is not in the store", hash)
	}
	var files []rulefile.File
	for _, f := range recorded.Files {
		files = append(files, rulefile.File{Name: f.Name, Text: []byte(f.Text)})
	}
	loaded, problems := withoutSecrets(x.env).Compile(rulefile.RecordedSnapshot(files, hash))
	if loaded == nil {
		return nil, fmt.Errorf("this version of heed does not accept the rule set that was active then (%s)",
			document.Summary(problems))
	}
	if len(x.used) == keptSets {
		delete(x.sets, x.used[0])
		x.used = x.used[1:]
	}
	x.sets[hash], x.used = loaded.Rules, append(x.used, hash)
	return loaded.Rules, nil
}
