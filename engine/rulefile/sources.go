package rulefile

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"heed/engine/document"
	"heed/engine/source"
	"heed/engine/suggest"
)

// readSources reads the sources of a rule file.
func (b *build) readSources(node *document.Node) {
	if node == nil || node.IsNull() {
		return
	}
	for _, pair := range node.Fields(b.report, "sources").Pairs() {
		b.readSource(pair.Key, pair.Value)
	}
}

// sourceName matches the name of a source, which appears in commands, URLs and metrics.
var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

func (b *build) readSource(name, node *document.Node) {
	switch first, twice := b.sourcePlaces[name.Text()]; {
	case !sourceName.MatchString(name.Text()):
		b.report.Errorf(name.Place(), "bad-name", "no source can be called %q", name.Text()).
			Suggest("write small letters, digits, - and _, such as lms-report")
		return
	case name.Text() == source.Heed:
		b.report.Errorf(name.Place(), "bad-name", "heed is the source of heed's own events").
			Suggest("choose another name")
		return
	case twice:
		b.report.Errorf(name.Place(), "duplicate-source", "the source %s is configured twice, first in %s:%d",
			name.Text(), first.File.Name, first.Line).
			Suggest("remove one of the two, or rename it: what was seen before hangs on the name")
		return
	}
	b.sourcePlaces[name.Text()] = name.Place()
	r := &sourceReader{build: b, name: name, fields: node.Fields(b.report, "the source "+name.Text())}
	r.source = &source.Source{Name: name.Text(), IDs: name.Text()}
	r.source.Version = versionOf(node)
	r.source.Place = fmt.Sprintf("%s:%d", name.Place().File.Name, name.Place().Line)
	r.read()
	b.sources = append(b.sources, r.source)
}

// versionOf returns a hash of what a node says, regardless of its layout.
func versionOf(node *document.Node) string {
	text, err := json.Marshal(node.Exact())
	if err != nil {
		text = []byte(node.Written()) // not valid configuration anyway
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))[:16]
}

// sourceReader reads one source.
type sourceReader struct {
	*build
	name   *document.Node
	fields *document.Fields
	source *source.Source
}

func (r *sourceReader) read() {
	s, f := r.source, r.fields
	if s.Name == source.Mindtickle {
		s.Path = r.publishedPath()
	}
	r.readPath(f.Take("path"))
	r.readFiles(f.Take("files"))
	r.readVerify(f.Take("verify"))
	r.readIDs(f.Take("ids_of"))
	r.readMapping()
	s.Act = r.readAct(f.Take("act"))
	r.readSourceTests(f.Take("tests"))
	f.Done()
}

// readPath reads the path. Only the published webhook may leave it out, and no other
// source may then use its path.
func (r *sourceReader) readPath(node *document.Node) {
	place, errorf := r.name.Place(), r.report.LaterErrorf
	if node != nil {
		r.source.Path, place, errorf = node.Text(), node.Place(), r.report.Errorf
	}
	path := r.source.Path
	switch {
	case node == nil && path == "":
	case node != nil && (!node.IsText() || !source.IsPlainPath(path)):
		r.report.Errorf(place, "bad-path", "path of %s is not a plain path", r.fields.What()).
			Suggest("write a path without host, query and slash at the end, such as /webhooks/%s", r.source.Name)
	case slices.Contains(source.ServedPaths, path):
		r.report.Errorf(place, "bad-path", "%s answers whether heed is well", path).
			Suggest("write /webhooks/%s", r.source.Name)
	default:
		i := slices.IndexFunc(r.sources, func(other *source.Source) bool { return other.Path == path })
		if i >= 0 {
			other := r.sources[i].Name
			mover := r.source.Name
			if node == nil { // the published webhook keeps its path
				mover = other
			}
			errorf(place, "duplicate-path", "the source %s has the path %s too", other, path).
				Suggest("give each source a path of its own, such as /webhooks/%s", mover)
		}
	}
}

// reportEnds are the extensions of reports. Other files are not read: rows that cannot be
// used are shown, possibly to people who may not read secrets.
var reportEnds = []string{".csv", ".tsv", ".txt", ".jsonl", ".ndjson"}

func (r *sourceReader) readFiles(node *document.Node) {
	if node == nil {
		return
	}
	switch _, err := filepath.Match(node.Text(), ""); {
	case !node.IsText() || node.Text() == "":
		r.report.Errorf(node.Place(), "wrong-type", "files of %s must be a pattern of file names, not %s",
			r.fields.What(), node.Describe()).
			Suggest("write files: reports/quiz-results-*.csv")
	case err != nil || strings.Contains(node.Text(), "**"):
		r.report.Errorf(node.Place(), "bad-pattern", "files of %s is not a pattern that heed understands",
			r.fields.What()).
			Suggest("* stands for anything but a slash, ? for one character: reports/*/quiz-*.csv")
	case !slices.Contains(reportEnds, strings.ToLower(filepath.Ext(node.Text()))):
		r.report.Errorf(node.Place(), "bad-pattern", "files of %s matches names that are not those of reports",
			r.fields.What()).
			Suggest("end it in one of %s: reports/quiz-results-*.csv", strings.Join(reportEnds, ", "))
	case r.source.Path != "":
		r.report.Errorf(node.Place(), "source-of-both", "%s has a path and files", r.fields.What()).
			Suggest("make two sources of it; with ids_of: %s in the one of files, both share their ids", r.source.Name)
	default:
		r.source.Files = tablePath(node.Place().File.Name, node.Text())
	}
}

func (r *sourceReader) readIDs(node *document.Node) {
	if node == nil {
		return
	}
	if !node.IsText() || node.Text() == "" {
		r.report.Errorf(node.Place(), "wrong-type", "ids_of of %s must name a source, not be %s", r.fields.What(),
			node.Describe()).
			Suggest("write ids_of: and the source that has the same ids")
		return
	}
	r.source.IDs = node.Text()
	r.sharedIDs = append(r.sharedIDs, node)
}

// checkSharedIDs checks that the sources named by ids_of exist.
func (b *build) checkSharedIDs() {
	set := source.Set{Sources: b.sources}
	for _, node := range b.sharedIDs {
		if set.Find(node.Text()) == nil && node.Text() != source.Mindtickle {
			b.report.Errorf(node.Place(), "unknown-source", "there is no source called %s", node.Text()).
				Suggest("%s", suggest.DidYouMean(node.Text(), set.Names()))
		}
	}
}

// actForms describes the values of act.
const actForms = "write always, never, since and a date, or within and a duration: act: within 24h"

func (r *sourceReader) readAct(node *document.Node) (act source.Act) {
	if node == nil {
		if r.source.Rows() { // importing a year's report for the first time must not send anything
			act.Within = 24 * time.Hour
		}
		return act
	}
	word, rest, _ := strings.Cut(strings.TrimSpace(node.Text()), " ")
	rest = strings.TrimSpace(rest)
	ok := node.IsScalar()
	switch {
	case word == "always" && rest == "":
	case word == "never" && rest == "":
		act.Never = true
	case word == "since":
		in := time.UTC
		if r.zone != nil {
			in = r.zone
		}
		var err error
		if act.Since, err = time.ParseInLocation(time.DateOnly, rest, in); err != nil {
			act.Since, err = time.Parse(time.RFC3339, rest)
		}
		ok = ok && err == nil
	case word == "within":
		d, err := model.ParseDuration(rest)
		act.Within = time.Duration(d)
		ok = ok && err == nil && d > 0
	default:
		ok = false
	}
	if !ok {
		r.report.Errorf(node.Place(), "bad-act", "act of %s does not say which events may trigger something",
			r.fields.What()).
			Suggest(actForms)
	}
	return act
}

// sourceSet returns the sources of the rule files. The source of the published contract
// is always among them, and comes first.
func (b *build) sourceSet() *source.Set {
	set := &source.Set{}
	if (&source.Set{Sources: b.sources}).Find(source.Mindtickle) == nil {
		published := source.MindtickleSource()
		published.Path = b.publishedPath()
		set.Sources = append(set.Sources, published)
		b.reportPublishedPath(published.Path)
	}
	for _, s := range b.sources {
		if s.Name == source.Mindtickle {
			set.Sources = append([]*source.Source{s}, set.Sources...)
		} else {
			set.Sources = append(set.Sources, s)
		}
	}
	return set
}

// publishedPath returns the path of the published webhook, unless rule files set another.
func (b *build) publishedPath() string {
	return cmp.Or(b.compiler.PublishedPath, source.PublishedPath)
}

// reportPublishedPath warns of a source that has the path of the published webhook. Which
// of the two is served depends on whether heed has a signing secret.
func (b *build) reportPublishedPath(published string) {
	for _, s := range b.sources {
		if s.Path == published {
			b.report.Warnf(b.sourcePlaces[s.Name], "duplicate-path",
				"the source %s has the path of MindTickle's published webhook, which takes it "+
					"if heed has a signing secret", s.Name).
				Suggest("give it a path of its own, such as /webhooks/%s, or name another for the webhook: "+
					"mindtickle: {path: /hooks/mt}",
					s.Name)
		}
	}
}
