package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"heed/engine/document"
	"heed/engine/rulefile"
	"heed/engine/source"
	"heed/internal/app"
	"heed/internal/receiver"
)

// serveFlags are the flags of heed serve.
type serveFlags struct {
	app                                      app.Options
	store                                    storeFlag
	secretFile, adminTokenFile, tokensFile   string
	maxAge, maxAhead, retention, silentAfter durationFlag
	settle, idleTimeout                      durationFlag
	trustedProxies                           []string
	tlsCert, tlsKey                          string
	logLevel, logFormat                      string
	misspelt                                 []string // variables, with what was probably meant
}

func newServe(s streams) *cobra.Command {
	f := serveFlags{
		maxAge: durationFlag(app.DefaultMaxAge), maxAhead: durationFlag(app.DefaultMaxAhead),
		retention: durationFlag(app.DefaultRetention), silentAfter: durationFlag(12 * time.Hour),
		settle: durationFlag(15 * time.Minute), idleTimeout: durationFlag(app.DefaultIdleTimeout),
	}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Receive events, decide them, act",
		Long: `Serve receives signed webhook events, stores and decides each before it answers,
and sends what the rules ask for. Rules are reloaded when their files change.

Every flag has an environment variable: --log-level is HEED_LOG_LEVEL. The
signing secret comes from --secret-file or MINDTICKLE_WEBHOOK_SECRET.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.environ != nil {
				f.misspelt = misspelt(cmd.Flags(), s.environ())
			}
			return serve(cmd.Context(), s, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.app.Rules, "rules", "rules.yaml",
		"rule file, or directory whose *.yaml and *.yml are read together")
	flags.StringVar(&f.app.Listen, "listen", ":8080", "address of the public listener")
	flags.StringVar(&f.app.Path, "path", source.PublishedPath,
		"path of MindTickle's webhook on the public listener, unless the rules name another")
	flags.StringVar(&f.app.Admin, "admin", usualAdmin,
		"address of the admin listener; beyond loopback it needs --admin-token-file")
	flags.StringVar(&f.adminTokenFile, "admin-token-file", "", "file with the token that the admin listener asks for")
	flags.StringVar(&f.tokensFile, "tokens-file", "",
		"file with tokens for people, a name, a role (viewer, operator or rules) and a token a line; re-read when it "+
			"changes")
	flags.BoolVar(&f.app.RulesWritable, "rules-writable", false,
		"let those with the role rules save rule files in the console")
	f.store.flags(flags)
	flags.StringVar(&f.secretFile, "secret-file", "", "file with signing secrets, one a line; re-read when it changes")
	flags.StringVar(&f.app.Company, "company", "",
		"the only company whose events are used (default: MINDTICKLE_COMPANY_ID)")
	flags.Var(&f.maxAge, "max-age", "quarantine events signed longer ago than this")
	flags.Var(&f.maxAhead, "max-ahead", "quarantine events signed further ahead than this")
	flags.BoolVar(&f.app.NoSend, "no-send", false, "record deliveries as held and send nothing")
	flags.BoolVar(&f.app.RequireTests, "require-tests", false,
		"refuse rule files with a failing test, as those with a mistake")
	flags.Var(&f.retention, "retention", "delete events older than this")
	flags.Var(&f.silentAfter, "silent-after",
		"make the event heed.source.silent when no good event came for this long; 0s for never")
	flags.Var(&f.settle, "settle", "after a start, leave waits alone for this long that came due before it")
	flags.Var(&f.idleTimeout, "idle-timeout",
		"keep idle connections open for this long: longer than a load balancer in front does")
	flags.StringSliceVar(&f.trustedProxies, "trusted-proxies", nil,
		"addresses of proxies, such as 10.0.0.0/8, whose X-Forwarded-For the log, and X-Forwarded-Proto the login, "+
			"believe")
	flags.StringVar(&f.tlsCert, "tls-cert", "", "certificate file, to serve HTTPS; re-read when it changes")
	flags.StringVar(&f.tlsKey, "tls-key", "", "key file for --tls-cert")
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&f.logFormat, "log-format", "", "text or json (default: text on a terminal, else json)")
	return cmd
}

func serve(ctx context.Context, s streams, f serveFlags) error {
	o, err := f.options(s)
	if err != nil {
		return err
	}
	for _, hint := range f.misspelt {
		o.Log.Warn("an environment variable that heed does not know", "variable", hint)
	}
	app.TuneRuntime(ctx, s.env)
	a, err := app.New(ctx, o)
	if _, ok := errors.AsType[*rulefile.ProblemsError](err); ok && o.Keys == nil {
		// Say it now, or the next start would fail only to say this.
		o.Log.Warn("heed has no signing secret either, " + secretHint)
	}
	if err != nil {
		return startError(s, err)
	}
	attrs := []any{"admin", a.AdminURL(), "version", buildVersion()}
	if webhook := a.WebhookURL(); webhook != "" {
		attrs = append([]any{"webhook", webhook}, attrs...)
	}
	o.Log.Info("receiving", attrs...)
	if o.NoSend {
		o.Log.Warn("--no-send: deliveries are held and never sent")
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	go func() {
		for range hangup {
			_ = a.Reload(ctx) // the app logs how it went
		}
	}()
	if err := a.Run(ctx); err != nil {
		return failure(err)
	}
	o.Log.Info("stopped")
	return nil
}

// startError says why heed did not start. Problems of the rule files are shown
// whole, as heed check does.
func startError(s streams, err error) error {
	var problems *rulefile.ProblemsError
	if errors.As(err, &problems) {
		printProblems(s.err, s.style(s.err), document.OnlyErrors(problems.Problems))
		return usage("the rules cannot be used: %s", document.Summary(problems.Problems))
	}
	if unreadable, ok := errors.AsType[*rulefile.UnreadableError](err); ok {
		return usage("%w", unreadable)
	}
	if errors.Is(err, receiver.ErrNoSecret) {
		return usage("%w", receiver.ErrNoSecret)
	}
	return failure(err)
}

// options checks the flags and opens the files that they name. The error lists
// everything that is wrong, not only the first problem.
func (f *serveFlags) options(s streams) (o app.Options, err error) {
	var wrong faults
	o = f.app
	o.Version, o.LookupEnv = buildVersion(), s.env
	where, err := f.store.options()
	wrong.note(err)
	o.Data, o.Store = where.Dir, where.URL
	if f.retention < durationFlag(app.MinRetention) {
		wrong.note(fmt.Errorf("--retention %s would delete events while they are worked on: give at least 1h",
			&f.retention))
	}
	o.MaxAge, o.MaxAhead, o.Retention = time.Duration(f.maxAge), time.Duration(f.maxAhead), time.Duration(f.retention)
	o.Settle, o.IdleTimeout = time.Duration(f.settle), time.Duration(f.idleTimeout)
	o.TrustedProxies, err = prefixes(f.trustedProxies)
	wrong.note(err)
	o.SilentAfter, o.DrainDelay = time.Duration(f.silentAfter), 300*time.Millisecond
	if o.Log, err = newLogger(s, s.err, f.logLevel, f.logFormat); err != nil {
		wrong.note(err)
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Company == "" {
		o.Company = s.getenv("MINDTICKLE_COMPANY_ID")
	}
	wrong.note(f.readSecrets(s, &o))
	wrong.note(checkAddress("--listen", o.Listen, "", "8080"))
	wrong.note(checkPath(o.Path))
	wrong.note(f.checkAdmin(&o))
	if len(wrong) > 0 { // app.New will not be called, so say what it would
		if _, err := rulefile.Read(o.Rules); err != nil {
			wrong.note(err)
		}
		if o.Keys == nil && f.secretFile == "" && strings.TrimSpace(s.getenv("MINDTICKLE_WEBHOOK_SECRET")) == "" {
			wrong = append(wrong, "heed has no signing secret either, "+secretHint)
		}
	}
	return o, wrong.err()
}

// secretHint is what to do without a signing secret, which other sources than the
// published webhook do not need.
const secretHint = "which MindTickle's webhook needs: put it into a file for " +
	"--secret-file or into MINDTICKLE_WEBHOOK_SECRET"

// readSecrets reads the signing secrets and the certificate.
func (f *serveFlags) readSecrets(s streams, o *app.Options) (err error) {
	var wrong faults
	if f.secretFile != "" {
		o.Keys, err = receiver.NewFileKeyring(f.secretFile, o.Log)
	} else if secrets := s.getenv("MINDTICKLE_WEBHOOK_SECRET"); strings.TrimSpace(secrets) != "" {
		o.Keys, err = receiver.NewKeyring(secrets)
	}
	wrong.note(err)
	switch {
	case (f.tlsCert == "") != (f.tlsKey == ""):
		wrong.note(errors.New("--tls-cert and --tls-key go together"))
	case f.tlsCert != "":
		o.Certs, err = receiver.NewCertReloader(f.tlsCert, f.tlsKey, o.Log)
		wrong.note(err)
	}
	return wrong.err()
}

// faults are what is wrong with the settings.
type faults []string

func (f *faults) note(err error) {
	if err != nil {
		*f = append(*f, err.Error())
	}
}

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return usage("%s", strings.Join(f, "\n"))
}

// prefixes reads networks, and single addresses.
func prefixes(texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if ip, alone := netip.ParseAddr(text); alone == nil {
			prefix, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		if err != nil {
			return nil, usage("--trusted-proxies: %q is not a network: write 10.0.0.0/8, or an address", text)
		}
		all = append(all, prefix)
	}
	return all, nil
}

// checkPath refuses a path at which no webhook can come in.
func checkPath(path string) error {
	switch {
	case !source.IsPlainPath(path):
		return usage("--path %q is not a plain path: write one without host, query and slash at the end, such as %s",
			path, source.PublishedPath)
	case slices.Contains(source.ServedPaths, path):
		return usage("--path %s: there heed answers whether it is well; write another, such as %s",
			path, source.PublishedPath)
	}
	return nil
}

// checkAddress refuses an invalid address to listen on, and says what was probably
// meant: for a port alone the usual host, for a host alone the usual port.
func checkAddress(flag, address, host, port string) error {
	_, given, err := net.SplitHostPort(address)
	if err == nil && !beyondPorts(given) {
		return nil // a name of a port is known to the system, or not
	}
	meant := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(address, "http://"), "https://"), "/")
	switch {
	case err == nil:
	case isNumber(meant):
		meant = host + ":" + meant
	case !strings.ContainsAny(meant, ":/[]"):
		meant = cmp.Or(meant, host) + ":" + port
	}
	switch _, given, err := net.SplitHostPort(meant); {
	case err != nil || strings.Contains(given, "/"):
		return usage("%s %q is not an address: write host:port, such as %s:%s", flag, address, host, port)
	case beyondPorts(given):
		return usage("%s %q is not an address: a port is a number up to 65535", flag, address)
	default:
		return usage("%s %q is not an address: write %s", flag, address, meant)
	}
}

var wholeNumber = regexp.MustCompile(`^[-+]?[0-9]+$`)

func isNumber(text string) bool { return wholeNumber.MatchString(text) }

// beyondPorts says whether a text is a number that no port has.
func beyondPorts(text string) bool {
	n, err := strconv.Atoi(text)
	return isNumber(text) && (err != nil || n < 0 || n > 65535)
}

// checkAdmin reads the tokens, and refuses to open the admin listener to other
// machines without any.
func (f *serveFlags) checkAdmin(o *app.Options) error {
	if err := checkAddress("--admin", o.Admin, "127.0.0.1", "8081"); err != nil {
		return err
	}
	if f.adminTokenFile != "" || f.tokensFile != "" {
		tokens := &adminTokens{single: f.adminTokenFile, several: f.tokensFile, log: o.Log}
		if err := tokens.load(); err != nil {
			return usage("%w", err)
		}
		o.Tokens = tokens.current
		return nil
	}
	host, _, _ := net.SplitHostPort(o.Admin) // checked above
	ip := net.ParseIP(host)
	if host == "localhost" || (ip != nil && ip.IsLoopback()) {
		return nil
	}
	return usage("--admin %s can be reached from other machines: protect it with --tokens-file or "+
		"--admin-token-file, or bind it to 127.0.0.1", o.Admin)
}
