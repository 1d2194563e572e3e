package actions

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"heed/engine/document"
	"heed/engine/suggest"
)

// Config is what a kind reads an action's configuration from.
type Config struct {
	*document.Fields
	// Name is the name under which rules use the action.
	Name string
	// Settings are the action's, defaults filled in.
	Settings Settings

	read *Reader
	// bare says that secrets take no prefix.
	bare  bool
	retry *document.Fields // nil if it is absent
}

// Reader reads the actions of a rule file.
type Reader struct {
	Registry *Registry
	// LookupEnv finds environment variables; os.LookupEnv in production.
	LookupEnv func(string) (string, bool)
	// Live says that deliveries will be sent: a secret that cannot be found is
	// then an error, otherwise a warning.
	Live bool
	// NoSecrets says that no secret is looked for, in files or in the environment,
	// and none is missed: for rules whose author must not learn what is there.
	NoSecrets bool
}

// Read reads one entry under "actions:", {name: {kind: {…}}}. It returns nil
// when there is nothing that rules could be checked against.
func (r *Reader) Read(name, value *document.Node, report *document.Report) *Configured {
	pairs := value.Pairs()
	switch {
	case len(pairs) == 0:
		report.Errorf(value.Place(), "wrong-type", "the action %s must name exactly one kind of action, not be %s",
			name.Text(), value.Describe()).
			Suggest("write %s: {%s: {…}}; the kinds are %s", name.Text(), r.Registry.example(value),
				strings.Join(r.Registry.Names(), ", "))
		return nil
	case len(pairs) > 1:
		report.Errorf(pairs[1].Key.Place(), "wrong-type",
			"the action %s must name exactly one kind of action; %s is another key beside %s", name.Text(),
			pairs[1].Key.Text(), pairs[0].Key.Text()).
			Suggest("move %s below %s, with two more spaces in front, or make it an action of its own",
				pairs[1].Key.Text(), pairs[0].Key.Text())
		return nil
	}
	pair := pairs[0]
	kind, ok := r.Registry.Lookup(pair.Key.Text())
	if !ok {
		report.Errorf(pair.Key.Place(), "unknown-kind", "there is no kind of action called %s", pair.Key.Text()).
			Suggest("%s", suggest.DidYouMean(pair.Key.Text(), r.Registry.Names()))
		return nil
	}
	fields := pair.Value.Fields(report, "the "+kind.Name()+" action "+name.Text())
	c := &Config{Fields: fields, Name: name.Text(), Settings: kind.Defaults(), read: r}
	c.readSettings()
	configured := &Configured{Name: c.Name, Kind: kind.Name(), Action: kind.Configure(c), Configuration: digest(value)}
	configured.Settings = c.Settings
	if c.retry != nil {
		c.retry.Done()
	}
	fields.Done()
	return configured
}

// digest tells configurations apart, whatever their layout.
func digest(value *document.Node) [32]byte {
	text, err := json.Marshal(value.Value())
	if err != nil {
		text = []byte(value.Written()) // of what is not a configuration anyway
	}
	return sha256.Sum256(text)
}

// The bounds of settings that are numbers.
const (
	maxConcurrency = 1000
	maxAttempts    = 1000
)

// readSettings reads the settings of every action, but for what a kind reads of
// retry.
func (c *Config) readSettings() {
	f, s := c.Fields, &c.Settings
	if d, ok := f.Duration("timeout"); ok {
		s.Timeout = d
	}
	if n, ok := f.Int("concurrency", 1, maxConcurrency); ok {
		s.Concurrency = n
	}
	if b, ok := f.Bool("allow_private"); ok {
		s.AllowPrivate = b
	}
	if node := f.Take("rate"); node != nil {
		if n, per, ok := parseRate(node.Text()); ok {
			s.Rate, s.RatePer = n, per
		} else {
			f.Report().Errorf(node.Place(), "wrong-type", "rate of %s must be a number per s, m or h, not %s", f.What(),
				node.Describe()).
				Suggest("write rate: %s/m", cmp.Or(leadingNumber.FindString(node.Text()), "60"))
		}
	}
	if node := f.Take("retry"); node != nil && node.IsScalar() && !node.IsNull() {
		f.Report().Errorf(node.Place(), "wrong-type", "retry of %s must be an object of keys and values, not %s",
			f.What(), node.Describe()).
			Suggest("write retry: {attempts: %s}", cmp.Or(leadingNumber.FindString(node.Text()), "5"))
	} else if node != nil {
		retry := node.Fields(f.Report(), "retry of "+f.What())
		c.retry = retry
		if n, ok := retry.Int("attempts", 1, maxAttempts); ok {
			s.Retry.Attempts = n
		}
		least, hasLeast := retry.Duration("min")
		most, hasMost := retry.Duration("max")
		if hasLeast && hasMost && most < least {
			f.Report().Errorf(retry.Take("max").Place(), "wrong-type",
				"retry of %s has a max that is less than its min", f.What()).
				Suggest("swap the two")
		}
		// One that is given alone moves the other's default out of its way.
		if hasLeast {
			s.Retry.Min, s.Retry.Max = least, max(least, s.Retry.Max)
		}
		if hasMost {
			s.Retry.Max, s.Retry.Min = most, min(most, s.Retry.Min)
		}
	}
}

var leadingNumber = regexp.MustCompile(`^[1-9]\d*`)

// parseRate reads 60/m.
func parseRate(text string) (n int, per time.Duration, ok bool) {
	count, unit, found := strings.Cut(strings.ReplaceAll(text, " ", ""), "/")
	n, err := strconv.Atoi(count)
	per, known := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	return n, per, found && known && err == nil && n > 0
}

// Secret takes a value that is {env: NAME} or {file: PATH}. A literal text
// works too but earns a warning; so does a secret that cannot be found, which
// is an error if deliveries are to be sent.
func (c *Config) Secret(key string) Secret {
	node := c.Take(key)
	if node == nil {
		return Secret{}
	}
	return c.SecretOf(key, node, true)
}

// Within reads an object of the configuration as the configuration is read: with
// its settings and its secrets. The caller ends it with Done.
func (c *Config) Within(key string, node *document.Node) *Config {
	fields := node.Fields(c.Report(), key+" of "+c.What())
	return &Config{Fields: fields, Name: c.Name, Settings: c.Settings, read: c.read}
}

// Env is an environment variable that no configuration names; empty if it is not
// set, or where the author must not learn what is there.
func (c *Config) Env(name string) string {
	if c.read.NoSecrets || c.read.LookupEnv == nil {
		return ""
	}
	value, _ := c.read.LookupEnv(name)
	return value
}

// CheckSecret checks {env: NAME} or {file: PATH} under a key of something that is not
// an action, as Config.Secret does, and says whether it has that form.
func (r *Reader) CheckSecret(fields *document.Fields, key string, node *document.Node) bool {
	c := &Config{Fields: fields, read: r, bare: true}
	c.SecretOf(key, node, true)
	return node.IsObject()
}

// foreignVariable is how other programs name an environment variable.
var foreignVariable = regexp.MustCompile(`^(?:\$\{?|%|\{\{ ?(?:env|secrets)?\.?)([A-Z][A-Z0-9_]+)(?:\}|%| ?\}\})?$`)

// wantedObject is {env: NAME} that became a part of a text, envName a text that
// can only be the name of a variable.
var (
	wantedObject = regexp.MustCompile(`\{?\s*env:\s*([A-Z][A-Z0-9_]*)\s*\}?`)
	envName      = regexp.MustCompile(`^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// SecretOf reads a secret from a node: {env: NAME}, {file: PATH} or a literal text. key
// names it in messages. sensitive says whether a literal text deserves a warning.
func (c *Config) SecretOf(key string, node *document.Node, sensitive bool) Secret {
	report := c.Report()
	if node.IsScalar() {
		c.checkLiteral(key, node, sensitive)
		return NewSecret(node.Text())
	}
	if !node.IsObject() {
		report.Errorf(node.Place(), "wrong-type", "%s of %s must be {env: NAME} or {file: PATH}, not %s", key, c.What(),
			node.Describe()).
			Suggest("write %s: {env: NAME}", key)
		return NewSecret("")
	}
	fields := node.Fields(report, key+" of "+c.What())
	env, hasEnv := fields.Text("env")
	file, hasFile := fields.Text("file")
	prefix := ""
	if !c.bare {
		prefix, _ = fields.Text("prefix")
	}
	fields.Done()
	switch {
	case hasEnv == hasFile:
		report.Errorf(node.Place(), "wrong-type", "%s of %s needs either env or file", key, c.What()).
			Suggest("write %s: {env: NAME} or {file: PATH}", key)
		return NewSecret("")
	case hasFile:
		return c.fileSecret(key, node, file, prefix)
	default:
		return c.envSecret(key, node, env, prefix)
	}
}

// checkLiteral reports a text where a secret is expected: an empty one, one that is
// probably meant as a variable, and, if it is sensitive, any other.
func (c *Config) checkLiteral(key string, node *document.Node, sensitive bool) {
	report, text := c.Report(), node.Text()
	name, _, _ := strings.Cut(key, " in ") // a header is written under its own name
	foreign, object := foreignVariable.FindStringSubmatch(text), wantedObject.FindStringSubmatch(text)
	switch {
	case node.IsNull():
		report.Errorf(node.Place(), "wrong-type", "%s of %s is empty", key, c.What()).
			Suggest("write %s: {env: NAME} or {file: PATH}", name)
	case foreign != nil:
		report.Errorf(node.Place(), "foreign-variable", "%s of %s holds %s, which heed does not replace", key,
			c.What(), foreign[0]).
			Suggest("write %s: {env: %s}", name, foreign[1])
	case object != nil:
		report.Errorf(node.Place(), "foreign-variable",
			"%s of %s is a text that holds %s, which heed does not replace", key, c.What(), object[0]).
			Suggest("write %s: {env: %s}, without quotes and with nothing in front; the variable holds all of it",
				name, object[1])
	case sensitive && envName.MatchString(text):
		report.Errorf(node.Place(), "foreign-variable",
			"%s of %s is the text %s; if that is the name of a variable, say so", key, c.What(), text).
			Suggest("write %s: {env: %s}", name, text)
	case sensitive:
		report.Warnf(node.Place(), "plain-secret", "%s of %s stands in the rule file as plain text", key, c.What()).
			Suggest("write %s: {env: NAME} or {file: PATH}", name)
	}
}

// fileSecret is the secret in a file, which it reports if it cannot be read.
func (c *Config) fileSecret(key string, node *document.Node, file, prefix string) Secret {
	if c.read.NoSecrets {
		return NewSecret("")
	}
	secret := FileSecret(file)
	if _, err := secret.Value(); err != nil {
		c.Unavailable(node, "missing-secret-file", "%s of %s cannot be used: %v", key, c.What(), err).
			Suggest("put the secret, and nothing else, into that file, or correct the path, which is relative to " +
				"where heed runs")
	}
	return secret.withPrefix(prefix)
}

// envSecret is the secret in an environment variable, which it reports if it is not
// set or cannot be one.
func (c *Config) envSecret(key string, node *document.Node, env, prefix string) Secret {
	if !variableName.MatchString(env) {
		// It is not shown: it may be the secret itself.
		problem := c.Report().Errorf(node.Get("env").Place(), "wrong-type",
			"env of %s of %s is not a name that an environment variable can have", key, c.What())
		problem.Suggest("write the variable's name, such as SLACK_BOT_TOKEN; the secret itself never stands in this " +
			"file")
		if bare := strings.Trim(env, "${}% "); variableName.MatchString(bare) && strings.HasPrefix(env, "$") {
			problem.Suggest("leave the $ out: {env: %s}", bare)
		}
		return NewSecret("")
	}
	if c.read.NoSecrets {
		return NewSecret("")
	}
	value, _ := c.read.LookupEnv(env)
	value = strings.TrimSpace(value) // a line break at its end is a slip, as in a file
	if value == "" {
		c.Unavailable(node, "missing-env", "%s of %s: the environment variable %s is not set", key, c.What(), env).
			Suggest("set %s where heed runs", env)
	}
	return NewSecret(value).withPrefix(prefix)
}

// ReadsFiles says whether files that the configuration names may be read: not if its
// author must not learn what is there.
func (c *Config) ReadsFiles() bool { return !c.read.NoSecrets }

// Unavailable reports a secret or a file that is missing: as an error if deliveries
// will be sent, otherwise as a warning.
func (c *Config) Unavailable(node *document.Node, code, format string, args ...any) *document.Problem {
	if c.read.Live {
		return c.Report().Errorf(node.Place(), code, format, args...)
	}
	return c.Report().Warnf(node.Place(), code, format, args...)
}

// HasPort says whether an address has a port that there is, or names none.
func HasPort(u *url.URL) bool {
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" || err == nil && n > 0
}

// CheckURL reports a configured URL that is not absolute http or https, or
// whose host could be chosen by an event. It returns nil for such a one.
func (c *Config) CheckURL(key string, node *document.Node, text string) *url.URL {
	report := c.Report()
	if strings.Contains(text, "{{") {
		report.Errorf(node.Place(), "template-in-url", "%s of %s holds a template", key, c.What()).
			Suggest("the configured address is fixed; a rule adds path and query")
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "":
		problem := report.Errorf(node.Place(), "bad-url", "%s of %s is not an absolute address", key, c.What())
		problem.Suggest("write https://host/path")
		if host, _, _ := strings.Cut(text, "/"); node.IsScalar() && err == nil && u.Scheme == "" &&
			strings.Contains(host, ".") {
			problem.Suggest("write https://%s", text)
		}
		return nil
	case !HasPort(u):
		report.Errorf(node.Place(), "bad-url", "%s of %s: %s is not a port", key, c.What(), u.Port()).
			Suggest("a port is a number from 1 to 65535")
		return nil
	case strings.Contains(text, "#"):
		report.Errorf(node.Place(), "bad-url", "%s of %s holds a #; what follows it is never sent", key, c.What()).
			Suggest("leave out the # and what follows it")
		return nil
	}
	return u
}
