package outbound

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"

	"golang.org/x/oauth2/clientcredentials"
)

func TestTokens_aTokenIsRenewedBeforeItExpires(t *testing.T) {
	given := 0
	life := 0
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		given++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token": "t%d", "expires_in": %d}`, given, life)
	})
	for _, c := range []struct {
		life  int // in seconds; zero: none is said
		after time.Duration
		want  string
	}{
		{3600, 3569 * time.Second, "t1"},
		{3600, 3571 * time.Second, "t2"},
		{10, 7 * time.Second, "t1"},
		{10, 9 * time.Second, "t2"},
		{0, 24 * time.Hour, "t1"},
	} {
		given, life = 0, c.life
		now := time.Now()
		from := &tokens{now: func() time.Time { return now }, config: clientcredentials.Config{TokenURL: url}}
		if got, fresh, err := from.get(t.Context(), Client(true)); got != "t1" || !fresh || err != nil {
			t.Fatalf("%q, %t, %v", got, fresh, err)
		}
		now = now.Add(c.after)
		if got, fresh, err := from.get(t.Context(), Client(true)); err != nil || got != c.want || fresh != (got == "t2") {
			t.Errorf("%d s, after %s: %q, %t, %v", c.life, c.after, got, fresh, err)
		}
	}
}

func TestTokens_discardForgetsOnlyTheTokenThatWasRefused(t *testing.T) {
	from := &tokens{now: time.Now, access: "new"}
	from.discard("old")
	if _, ok := from.current(); !ok {
		t.Error("the new token is gone")
	}
	from.discard("new")
	if _, ok := from.current(); ok {
		t.Error("the refused token is still there")
	}
}

func TestShared_keepsAValueWhileSomebodyHoldsIt(t *testing.T) {
	type thing struct{ name string }
	var s shared[string, thing]
	made := 0
	create := func() (*thing, error) { made++; return &thing{"a"}, nil }
	held, _ := s.get("a", create)
	runtime.GC()
	if again, _ := s.get("a", create); again != held || made != 1 {
		t.Errorf("it was made %d times", made)
	}
	runtime.KeepAlive(held)
	collected := make(chan struct{})
	other, _ := s.get("b", create)
	runtime.AddCleanup(other, func(done chan struct{}) { close(done) }, collected)
	runtime.GC()
	select {
	case <-collected:
	case <-time.After(10 * time.Second):
		t.Error("what nobody holds is still there")
	}
	if _, err := s.get("c", func() (*thing, error) { return nil, io.EOF }); err != io.EOF {
		t.Errorf("%v", err)
	}
}
