package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heed/actions/outbound"
	"heed/engine/rulefile"
	"heed/internal/app"
	"heed/internal/store"
)

// clientOptions say where a command finds what heed remembers.
type clientOptions struct {
	admin, tokenFile string
	store            storeFlag
	// rules, if not empty, is a rules path for a store that no server holds.
	rules string
	cmd   *cobra.Command
}

func (o *clientOptions) flags(cmd *cobra.Command) {
	o.cmd = cmd
	cmd.Flags().StringVar(&o.admin, "admin", "",
		"address of a running server's admin listener (default: found through --data)")
	cmd.Flags().StringVar(&o.tokenFile, "admin-token-file", "", "file with the admin listener's token")
	o.store.flags(cmd.Flags())
}

// apiClient talks to the admin API: to a running server's or, when no server
// holds the data directory, to the same handler over the directory itself.
type apiClient struct {
	base  string
	token string
	http  *http.Client
	close func()
}

func newAPIClient(base string) *apiClient {
	transport := &http.Transport{Proxy: nil}
	return &apiClient{base: base, http: &http.Client{Timeout: time.Minute, Transport: transport}, close: func() {}}
}

func (o *clientOptions) open(ctx context.Context, s streams) (*apiClient, error) {
	c := newAPIClient(o.admin)
	if o.tokenFile != "" {
		text, err := os.ReadFile(o.tokenFile)
		if err != nil {
			return nil, usage("read --admin-token-file: %v", err)
		}
		c.token = strings.TrimSpace(string(text))
	}
	if c.base != "" {
		if !strings.Contains(c.base, "://") {
			c.base = "http://" + c.base
		}
		return c, nil
	}
	const instead = ", or name a running server with --admin http://" + usualAdmin
	where, err := o.store.existing(instead)
	if err != nil {
		if !o.cmd.Flags().Changed("data") && answers(usualAdmin) {
			c.base = "http://" + usualAdmin
			return c, nil
		}
		if o.rules == "" { // else the store is made: there are rules to fill it by
			return nil, err
		}
	}
	handler, closeStore, err := o.offline(ctx, s, where)
	locked, isLocked := errors.AsType[*store.LockedError](err)
	switch {
	case isLocked:
		if c.base = locked.Holder.AdminURL; c.base == "" {
			return nil, failure(fmt.Errorf("%w; name its admin listener with --admin", err))
		}
		return c, nil
	case errors.Is(err, fs.ErrPermission):
		return nil, noStore(where.Dir, instead, err)
	case err != nil:
		if _, ok := errors.AsType[*codedError](err); ok {
			return nil, err
		}
		return nil, failure(err)
	}
	c.base, c.http, c.close = "http://localhost", &http.Client{Transport: inProcess{handler}}, closeStore
	return c, nil
}

// offline serves the API over a store that no server holds.
func (o *clientOptions) offline(ctx context.Context, s streams, where store.Options) (http.Handler, func(), error) {
	if o.rules == "" {
		return app.Offline(ctx, where, s.env)
	}
	handler, closeStore, err := app.OfflineWithRules(ctx, where, o.rules, s.env)
	if _, ok := errors.AsType[*rulefile.ProblemsError](err); ok {
		err = startError(s, err)
	}
	return handler, closeStore, err
}

// usualAdmin is where a server's admin listener is unless it is told otherwise.
const usualAdmin = "127.0.0.1:8081"

// answers says whether somebody listens at an address.
func answers(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// fetch reads a path of the API into a value, wherever the API is.
func (o *clientOptions) fetch(ctx context.Context, s streams, path string, query url.Values, into any) error {
	c, err := o.open(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	return c.get(ctx, path, query, into)
}

// send posts a request to a path of the API, wherever the API is, and reads what
// became of it.
func (o *clientOptions) send(ctx context.Context, s streams, path string, body, into any) error {
	c, err := o.open(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	return c.post(ctx, path, body, into)
}

// show fetches what the API answers on a path and prints it: as it is for -o json,
// else by print.
func show[T any](
	ctx context.Context, s streams, o *clientOptions, path string, query url.Values, output string,
	print func(streams, *T),
) error {
	var raw json.RawMessage
	if err := o.fetch(ctx, s, path, query, &raw); err != nil {
		return err
	}
	if output == "json" {
		_, err := fmt.Fprintln(s.out, string(bytes.TrimSpace(raw)))
		return err
	}
	var thing T
	if err := decode(raw, &thing); err != nil {
		return failure(err)
	}
	print(s, &thing)
	return nil
}

// get reads a path of the API into a value.
func (c *apiClient) get(ctx context.Context, path string, query url.Values, into any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.call(ctx, http.MethodGet, path, "", nil, into)
}

// post sends a value as JSON to a path of the API and reads the answer into another.
func (c *apiClient) post(ctx context.Context, path string, value, into any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return failure(err)
	}
	return c.call(ctx, http.MethodPost, path, "application/json", bytes.NewReader(body), into)
}

// call sends a request, whose body may be nil and of any size, and reads the answer.
func (c *apiClient) call(ctx context.Context, method, path, mediaType string, body io.Reader, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.base, "/")+path, body)
	if err != nil {
		return usage("--admin %q is not an address: write http://127.0.0.1:8081", c.base)
	}
	if mediaType != "" {
		request.Header.Set("Content-Type", mediaType)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return failure(fmt.Errorf("the admin listener at %s cannot be reached: %s. Is heed serve running? "+
			"Its log names the address", c.base, outbound.Failed(err).Error))
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return failure(err)
	}
	if response.StatusCode != http.StatusOK {
		var problem struct{ Detail string }
		if json.Unmarshal(text, &problem) != nil || problem.Detail == "" {
			problem.Detail = fmt.Sprintf("%s answered %s; is it heed's admin listener?", c.base, response.Status)
		}
		code := exitProblems
		if response.StatusCode == http.StatusBadRequest || response.StatusCode == http.StatusUnauthorized {
			code = exitUsage
		}
		return &codedError{code, errors.New(problem.Detail)}
	}
	if err := decode(text, into); err != nil {
		return failure(fmt.Errorf("%s answered what heed does not: %w", c.base, err))
	}
	return nil
}

// decode reads JSON with numbers as they are written.
func decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into)
}

// inProcess is a transport that calls a handler instead of a server.
type inProcess struct{ handler http.Handler }

// RoundTrip serves the request at once. An answer that breaks off is an error, as it is
// over a connection.
func (t inProcess) RoundTrip(r *http.Request) (_ *http.Response, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("it broke off its answer")
		}
	}()
	answer := &recorder{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(answer, r)
	return &http.Response{
		Status: http.StatusText(answer.status), StatusCode: answer.status, Header: answer.header,
		Body: io.NopCloser(&answer.body), Request: r, ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
