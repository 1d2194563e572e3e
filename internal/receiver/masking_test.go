package receiver

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

func TestSecretsAreNeverPrinted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	writeFile(t, path, testSecret+"\n")
	var out bytes.Buffer
	level := &slog.HandlerOptions{Level: slog.LevelDebug}
	text, jsonLog := slog.New(slog.NewTextHandler(&out, level)), slog.New(slog.NewJSONHandler(&out, level))

	k, err := NewFileKeyring(path, text)
	if err != nil {
		t.Fatal(err)
	}
	g := newRig(t, k)
	holder := struct {
		Keys  *Keyring
		inner *Keyring
		all   []*secret
	}{k, k, *k.secrets.Load()}
	options := Options{Keys: k}
	for _, v := range []any{
		k, &k,
		[]*Keyring{k},
		map[string]any{"k": k},
		holder, &holder, options, &options,
		g.handler, k.source, *k.secrets.Load(), (*k.secrets.Load())[0],
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		text.Info("x", "v", v, slog.Group("g", "v", v))
		jsonLog.Info("x", "v", v)
		if encoded, err := json.Marshal(v); err == nil {
			out.Write(encoded)
		}
		if encoded, err := xml.Marshal(v); err == nil {
			out.Write(encoded)
		}
	}
	fmt.Fprintln(&out, k.String(), k.GoString())

	// Whatever goes wrong with the file, its content is not in the message.
	writeFile(t, path, "")
	verifies(k, "x")
	remove(t, path)
	verifies(k, "x")
	writeFile(t, path, testSecret+"-2\n"+testSecret+"-3\n")
	verifies(k, testSecret+"-2")
	g.keys = k
	g.listen(t)
	for _, secret := range []string{testSecret + "-2", "wrong"} {
		answer := do(t, g.delivery(t, secret, testBody))
		fmt.Fprintln(&out, answer, g.logs)
	}

	for _, form := range []string{testSecret, fmt.Sprintf("%x", testSecret), fmt.Sprintf("%X", testSecret), "canary"} {
		if i := strings.Index(out.String(), form); i >= 0 {
			t.Errorf("printed: …%.200s", out.String()[max(0, i-100):])
		}
	}
	if out.Len() < 1000 {
		t.Errorf("the test printed only %s", out.String())
	}
}

// The secrets of sources are no more to be seen than that of the published one,
// wherever they are and whatever is wrong with a request.
func TestSecretsOfSourcesAreNeverPrinted(t *testing.T) {
	const canary = "whsec_canary"
	for name, c := range secretCases {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secret")
			c.verify.Secret.File = path
			g := startSource(t, c.verify)
			var out bytes.Buffer
			ask := func(header http.Header) {
				fmt.Fprintln(&out, do(t, g.post(t, header, "{}")))
			}
			ask(c.header(canary))
			writeFile(t, path, canary)
			ask(c.header(canary))
			ask(c.header(canary + "-2"))
			ask(http.Header{"Authorization": {canary}, "X-Hub-Signature-256": {canary}})
			writeFile(t, path, canary+"-3")
			ask(c.header(canary))

			table := g.handler.router.table()
			for _, v := range []any{
				g.handler, g.handler.router, table, *table, table.routes, table.keys,
				table.routes["/webhooks/partner"], table.routes["/webhooks/partner"].verifier,
			} {
				for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
					fmt.Fprintf(&out, verb+"\n", v)
				}
				slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
			}
			printed := out.String() + g.logs.String()
			digest := sha256.Sum256([]byte(canary))
			for _, form := range []string{"canary", fmt.Sprintf("%x", "canary"), fmt.Sprintf("%x", digest)} {
				if i := strings.Index(printed, form); i >= 0 {
					t.Errorf("printed: …%.200s", printed[max(0, i-100):])
				}
			}
		})
	}
}
