package admin

import (
	"net/http"
	"time"

	"heed/engine/record"
)

// Source is what is known of where the events come from.
type Source struct {
	// LastGoodAt is when the last event came that shows that the source works:
	// from outside, verified, new, and signed within the accepted window. The
	// zero time if none ever did.
	LastGoodAt time.Time `json:"last_good_at,omitzero"`
	// LastGood is that event; nil if it was deleted since.
	LastGood *record.Event `json:"last_good,omitempty"`
}

func (a *api) source(w http.ResponseWriter, r *http.Request) {
	last := a.Store.LastGood()
	shown := Source{LastGoodAt: last.At}
	e, ok, err := a.Store.EventBySeq(r.Context(), last.Seq)
	if err != nil {
		a.broken(w, r, err)
		return
	}
	if ok {
		shown.LastGood = &e
	}
	write(w, http.StatusOK, shown)
}
