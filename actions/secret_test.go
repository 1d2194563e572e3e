package actions_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"heed/actions"
)

func TestASecretIsNeverPrinted(t *testing.T) {
	const canary = "canary-5ecret"
	file := filepath.Join(t.TempDir(), "secret")
	write(t, file, canary)
	literal, fromFile := actions.NewSecret(canary), actions.FileSecret(file)
	type hidden struct {
		Shown  actions.Secret
		secret actions.Secret
		list   []actions.Secret
		any    any
	}
	var out bytes.Buffer
	text, jsonLog := slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))
	for _, s := range []actions.Secret{literal, fromFile} {
		holder := hidden{s, s, []actions.Secret{s}, s}
		for _, v := range []any{s, &s, holder, &holder, []any{s}, map[string]actions.Secret{"k": s}, map[string]any{"k": holder}} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t", "%w", "%c", "%U", "%e", "%10.3s", "no verb"} {
				fmt.Fprintf(&out, verb+"\n", v)
				fmt.Fprintln(&out, fmt.Errorf(verb, v))
			}
			fmt.Fprintln(&out, fmt.Sprint(v), v)
			text.Info("x", "v", v, slog.Group("g", "v", v))
			jsonLog.Info("x", "v", v)
			encoded, _ := json.Marshal(v)
			out.Write(encoded)
			encoded, _ = xml.Marshal(v)
			out.Write(encoded)
		}
		fmt.Fprintln(&out, s.String(), s.GoString())
	}
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), "canary"} {
		if i := strings.Index(out.String(), form); i >= 0 {
			t.Errorf("printed: …%.200s", out.String()[max(0, i-100):])
		}
	}
	if out.Len() < 1000 || !strings.Contains(out.String(), actions.Masked) {
		t.Errorf("the test printed only %s", out.String())
	}
}

func TestASecretInAFileIsReadEachTimeItIsUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	secret := actions.FileSecret(file)
	if _, err := secret.Value(); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), file) {
		t.Errorf("without a file: %v", err)
	}
	for _, c := range []struct{ content, want, err string }{
		{"one", "one", ""},
		{" two\r\n", "two", ""},
		{"\n \n", "", "the secret in " + file + " is empty"},
		{strings.Repeat("x", 64<<10), strings.Repeat("x", 64<<10), ""},
		{strings.Repeat("x", 64<<10+1), "", "is longer than 65536 bytes; is it the right file?"},
	} {
		write(t, file, c.content)
		got, err := secret.Value()
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%.20q gives %.20q, %v", c.content, got, err)
		}
	}
}

func TestASecretThatIsNotSetOrEmptyHasNoValue(t *testing.T) {
	var unset actions.Secret
	if value, err := unset.Value(); err == nil || value != "" || unset.IsSet() {
		t.Errorf("an unset secret has the value %q", value)
	}
	empty := actions.NewSecret("")
	if value, err := empty.Value(); err == nil || value != "" || !empty.IsSet() {
		t.Errorf("an empty secret has the value %q", value)
	}
	if value, err := actions.NewSecret("x").Value(); value != "x" || err != nil {
		t.Errorf("the value is %q, %v", value, err)
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
