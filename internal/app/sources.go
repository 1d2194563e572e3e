package app

import (
	"slices"

	"heed/engine/rulefile"
	"heed/engine/source"
	"heed/internal/receiver"
)

// sources are the active sources.
func (a *App) sources() *source.Set { return a.activeSources.Load() }

// usableSources are the sources of a rule set. The published webhook is one of
// them without being written; if heed has no secret for it, others must be.
func (a *App) usableSources(loaded *rulefile.Loaded) (*source.Set, error) {
	if a.Keys != nil || a.Offline {
		return loaded.Sources, nil
	}
	needsSecret := func(s *source.Source) bool {
		return s.Verify != nil && s.Verify.Scheme == source.SchemeMindtickle && s.Verify.Secret == source.Secret{}
	}
	set := &source.Set{}
	for _, s := range loaded.Sources.Sources {
		switch {
		case !needsSecret(s):
			set.Sources = append(set.Sources, s)
		case s.Place != "": // somebody wants it
			return nil, receiver.ErrNoSecret
		}
	}
	if len(set.Sources) == 0 {
		return nil, receiver.ErrNoSecret
	}
	return set, nil
}

// takesRequests says whether a source is served, of which silence could be
// noticed.
func takesRequests(set *source.Set) bool {
	return slices.ContainsFunc(set.Sources, func(s *source.Source) bool { return !s.Rows() })
}
