package admin

import (
	"testing"
	"time"
)

func TestSilence_isWrittenAsPeopleDo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		2400 * time.Millisecond: "2s", 90 * time.Second: "1m30s", 13*time.Hour + 5*time.Minute + 3*time.Second: "13h5m",
		49 * time.Hour: "2d1h",
	} {
		if got := silence(d); got != want {
			t.Errorf("%s is %s, want %s", d, got, want)
		}
	}
}
