package admin

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"

	"heed/engine/document"
	"heed/engine/ruletest"
	"heed/internal/admin/access"
)

// RuleText is one rule file as it was read last.
type RuleText struct {
	// Name is the path of the file, Text what is in it.
	Name string `json:"name"`
	Text string `json:"text"`
	// Version identifies the text: who saves names the version that was opened.
	Version string `json:"version"`
}

// VersionOf identifies the text of a rule file.
func VersionOf(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:16] }

// RuleCheck is what is wrong with an edited rule file, and how its tests went.
type RuleCheck struct {
	Problems []document.Problem `json:"problems"`
	// OK says that the rules can be used: there may be warnings.
	OK    bool         `json:"ok"`
	Tests []TestReport `json:"tests"`
	// Passed says that all tests passed.
	Passed bool `json:"passed"`
}

// TestReport is how one test of a rule went.
type TestReport struct {
	Rule     string             `json:"rule"`
	Test     string             `json:"test"`
	Passed   bool               `json:"passed"`
	Failures []ruletest.Failure `json:"failures,omitempty"`
}

// RuleFiles are what a running server does with rule files.
type RuleFiles struct {
	// Files are the active ones, as they were read.
	Files func() []RuleText
	// Check checks a text in the place of one of these files, and runs its tests if
	// it can be used.
	Check func(ctx context.Context, name, text string) RuleCheck
	// Format lays a text out.
	Format func(name, text string) (string, []document.Problem, error)
	// Write replaces a file if its text still has a version, and loads the rules.
	// Otherwise the error is a *ChangedError.
	Write func(ctx context.Context, name, text, version string) error
	// Writable says that rules may be saved.
	Writable bool
}

// ChangedError says that a file was changed since it was opened.
type ChangedError struct{ Now RuleText }

func (e *ChangedError) Error() string {
	return "the file " + e.Now.Name + " was changed since it was opened: take over what is new, then save again"
}

// RuleTexts returns the active rule files, and whether they may be saved.
func (s *Service) RuleTexts(_ context.Context) (files []RuleText, writable bool, err error) {
	if s.o.RuleFiles.Files == nil {
		return nil, false, errNoServer
	}
	return s.o.RuleFiles.Files(), s.o.RuleFiles.Writable, nil
}

// RuleText returns one of the active rule files: the first, or the one with the given
// name or last part of a name.
func (s *Service) RuleText(ctx context.Context, name string) (file RuleText, err error) {
	files, _, err := s.RuleTexts(ctx)
	if err != nil {
		return file, err
	}
	at := slices.IndexFunc(files, func(f RuleText) bool {
		return name == "" || f.Name == name || filepath.Base(f.Name) == name
	})
	if at < 0 {
		return file, errorf(NotFound, "there is no active rule file %q", name)
	}
	return files[at], s.checkSecrets(ctx, files[at].Name)
}

// plainSecret is the code of the warning that a secret stands in a rule file.
const plainSecret = "plain-secret"

// checkSecrets refuses to show a rule file with a secret in it to whoever may not
// write it.
func (s *Service) checkSecrets(ctx context.Context, name string) error {
	if access.Of(ctx).Check(access.Rules) == nil || s.o.LastReload == nil {
		return nil
	}
	last := s.o.LastReload()
	if last == nil {
		return nil
	}
	for i := range last.Problems {
		if p := &last.Problems[i]; p.Code == plainSecret && p.File == name {
			return errorf(Conflict, "the rule file has a secret in it, in line %d, so it is shown to the role rules only: "+
				"write {env: NAME} or {file: PATH} instead", p.Line)
		}
	}
	return nil
}

// CheckRules checks the text of a rule file that is not saved, and runs its tests.
func (s *Service) CheckRules(ctx context.Context, name, text string) (RuleCheck, error) {
	file, err := s.RuleText(ctx, name)
	if err != nil {
		return RuleCheck{}, err
	}
	s.checking.Lock() // a check and its tests take a core: one at a time
	defer s.checking.Unlock()
	if err := ctx.Err(); err != nil {
		return RuleCheck{}, err
	}
	check := s.o.RuleFiles.Check(ctx, file.Name, text)
	check.Problems, check.Tests = orEmpty(check.Problems), orEmpty(check.Tests)
	return check, nil
}

// FormatRules lays the text of a rule file out.
func (s *Service) FormatRules(ctx context.Context, name, text string) (string, error) {
	file, err := s.RuleText(ctx, name)
	if err != nil {
		return "", err
	}
	laidOut, problems, err := s.o.RuleFiles.Format(file.Name, text)
	if len(problems) > 0 {
		return "", &Error{Text: "a text with mistakes in its YAML cannot be laid out", Problems: problems}
	}
	return laidOut, err
}

// SaveRules writes a rule file and activates it. Its check and all tests must pass,
// and the file must have the version that was opened.
func (s *Service) SaveRules(ctx context.Context, name, text, version string) (err error) {
	file, err := s.RuleText(ctx, name)
	if err != nil {
		return err
	}
	defer func() { s.note(ctx, "save rules", filepath.Base(file.Name)+" "+VersionOf(text), 1, err) }()
	if err := access.Of(ctx).Check(access.Rules); err != nil {
		return err
	}
	if !s.o.RuleFiles.Writable {
		return errorf(Conflict, "rules cannot be saved here: heed serve was started without --rules-writable. "+
			"Download the file, and put it where the rules are kept")
	}
	check := s.o.RuleFiles.Check(ctx, file.Name, text)
	switch {
	case !check.OK:
		return &Error{Text: "the rules have mistakes, so nothing was saved", Problems: check.Problems}
	case !check.Passed:
		return &Error{Text: "a test fails, so nothing was saved", Problems: orEmpty(check.Problems)}
	}
	err = s.o.RuleFiles.Write(ctx, file.Name, text, version)
	if changed, ok := err.(*ChangedError); ok {
		return &Error{Kind: Conflict, Text: changed.Error(), Problems: changed.Now}
	}
	if err == nil {
		s.o.Log.Info("rules saved by a person", "file", file.Name, "version", VersionOf(text))
	}
	return err
}
