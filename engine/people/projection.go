package people

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"heed/engine/event"
	"heed/engine/record"
)

// A Loader reads what is known of people.
type Loader interface {
	// LoadPeople passes everything saved to part, in parts: items before the progress in
	// them, and progress in the order of people. A part must not be used after the call.
	LoadPeople(ctx context.Context, part func(*Rows)) error
	// Learnt returns the Seq up to which events are included in what was saved, and the
	// Seq of the newest event ever stored.
	Learnt(ctx context.Context) (learnt, last int64, err error)
	// EventsAfter returns stored events with their bodies, in the order of
	// their Seq, beginning after one: up to the limit, or fewer if they are
	// large, but none only if there are none.
	EventsAfter(ctx context.Context, seq int64, limit int) ([]record.Event, error)
}

// A Store keeps what a Directory knows. internal/store implements it.
type Store interface {
	Loader
	// SavePeople atomically adds rows, replaces those with the same keys and deletes
	// Gone. If learnt is not 0, every event up to that Seq is now included in what was
	// saved.
	SavePeople(ctx context.Context, rows *Rows, learnt int64) error
	// ReplacePeople atomically replaces all rows by the given ones.
	ReplacePeople(ctx context.Context, parts func(add func(*Rows) error) error, learnt int64) error
	// WholeSince returns the time since which every received event is still stored. It is
	// zero if no event was ever deleted because of its age.
	WholeSince(ctx context.Context) (time.Time, error)
	// ForgetPerson deletes a person: events, rows, deliveries. It returns how
	// many events, and up to which Seq there is none of the person's any more;
	// with an error and 0, some may be left.
	ForgetPerson(ctx context.Context, user string) (events int, upTo int64, err error)
}

const (
	// saveEvery is how often changes are saved. Waiting loses nothing: unsaved changes
	// are learnt again from the recorded events, and repeated changes are written once.
	saveEvery = 15 * time.Second
	// loadAgain is how long to wait after a failed load.
	loadAgain = 5 * time.Second
	// saveShare limits the share of time spent on saving while very many people make
	// progress: a long save is followed by a long wait, up to saveAtLeast.
	saveShare   = 50
	saveAtLeast = 2 * time.Minute
	// saveRun is how many rows are collected before they are sorted and saved, so that
	// neighbouring rows are written together. It amounts to some megabytes.
	saveRun = 1 << 16
	// savePart is how many rows are saved in one transaction. Events that arrive
	// meanwhile wait for at most one part.
	savePart = 256
	// eventsPage is how many recorded events are read at once; pagesPerSave is how many
	// such pages are learnt between saves.
	eventsPage   = 1000
	pagesPerSave = 50
)

// Projection keeps a Directory in a store. What is saved is a checkpoint: the rows
// as they are after some event and all before it. A start loads them and learns
// the events after the checkpoint from the record.
//
// Rows are not written in the transaction that stores their event: they are spread all
// over the tables, where each rewrites a page, which would more than double the cost of
// the commit. Since the fold is commutative and idempotent, rows may be newer than the
// checkpoint, and an event may be learnt twice.
type Projection struct {
	*Directory
	store Store
	// shared is the store if other processes use it, too; version is the number of
	// its PeopleNews that is known here.
	shared  Shared
	version atomic.Int64
	log     *slog.Logger

	loading sync.Mutex
	loaded  bool
	ready   chan struct{} // closed when loaded

	saving sync.Mutex // allows one save or forgetting at a time
	saved  int64      // the checkpoint in the store

	mu sync.Mutex
	// next is the Seq of the first event not yet learnt. Later events may already be
	// learnt.
	next  int64
	above map[int64]bool
	// currentAt is when everything stored by other processes was last known.
	currentAt time.Time
	// forgotten maps people to the Seq up to which events about them were forgotten.
	// Events of a person who is being forgotten wait in withheld.
	forgotten map[string]int64
	withheld  []withheld
}

type withheld struct {
	seq  int64
	fact fact
}

// NewProjection returns a Projection that loads what was saved when Run begins or when it
// is first needed, since many commands never need it.
func NewProjection(s Store, log *slog.Logger) *Projection {
	pr := &Projection{
		Directory: New(), store: s, log: log, ready: make(chan struct{}), currentAt: time.Now(),
		above: map[int64]bool{}, forgotten: map[string]int64{},
	}
	if shared, ok := s.(Shared); ok && shared.IsShared() {
		pr.shared = shared
	}
	return pr
}

// OpenProjection returns a Projection that has loaded what was saved.
func OpenProjection(ctx context.Context, s Store, log *slog.Logger) (*Projection, error) {
	pr := NewProjection(s, log)
	return pr, pr.load(ctx)
}

// load loads what was saved and learns later events, once. Events stored meanwhile may be
// learnt at the same time.
func (pr *Projection) load(ctx context.Context) error {
	pr.loading.Lock()
	defer pr.loading.Unlock()
	if pr.loaded {
		return nil
	}
	if pr.shared != nil {
		_, version := pr.shared.PeopleNews()
		pr.version.Store(version)
	}
	saved := New()
	learnt, last, err := loadInto(ctx, saved, pr.store)
	if err != nil {
		return err
	}
	pr.saved = learnt
	pr.takeOver(saved, learnt)
	if err := pr.catchUp(ctx, last); err != nil {
		return fmt.Errorf("learn from the recorded events: %w", err)
	}
	pr.loaded = true
	close(pr.ready)
	return nil
}

// takeOver adds what was learnt during the load to the loaded directory, and switches to
// it.
func (pr *Projection) takeOver(saved *Directory, learnt int64) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	meanwhile := pr.Directory.changedItems()
	for from, more := 0, true; more; from += stride {
		var some Rows
		some, more = pr.Directory.changedPeople(from)
		meanwhile.add(&some)
	}
	saved.join(&meanwhile)
	pr.Directory.become(saved)
	pr.next = learnt
	pr.learnt(pr.next)
}

// Person returns a person, or false if nothing is known of them. Here and below, errors
// are those of loading.
func (pr *Projection) Person(ctx context.Context, id string) (p Person, items []Item, known bool, err error) {
	if err := pr.load(ctx); err != nil {
		return Person{}, nil, false, err
	}
	p, known = pr.Directory.Person(id)
	return p, pr.Items(id), known, nil
}

// List is like Directory.List.
func (pr *Projection) List(ctx context.Context, f Filter) ([]Person, error) {
	if err := pr.load(ctx); err != nil {
		return nil, err
	}
	return pr.Directory.List(f), nil
}

// Leaderboard is like Directory.Leaderboard.
func (pr *Projection) Leaderboard(ctx context.Context, q Query) ([]Standing, error) {
	if err := pr.load(ctx); err != nil {
		return nil, err
	}
	return pr.Directory.Leaderboard(q), nil
}

// Plan is like Directory.Plan.
func (pr *Projection) Plan(ctx context.Context, records []Record) (Plan, error) {
	if err := pr.load(ctx); err != nil {
		return Plan{}, err
	}
	return pr.Directory.Plan(records), nil
}

// catchUp learns the events after the checkpoint, up to last. It saves now and then, so
// that a crash does not repeat all of the work.
func (pr *Projection) catchUp(ctx context.Context, last int64) error {
	for pages := 1; ; pages++ {
		pr.mu.Lock()
		after := pr.next - 1
		pr.mu.Unlock()
		events, err := pr.store.EventsAfter(ctx, after, eventsPage)
		if err != nil {
			return err
		}
		if after >= last || len(events) == 0 {
			pr.passOver(last) // the newest events may be deleted
			return nil
		}
		for i := range events {
			pr.learnStored(ctx, &events[i])
		}
		pr.passOver(events[len(events)-1].Seq)
		if pages%pagesPerSave == 0 {
			if err := pr.Save(ctx); err != nil && !errors.Is(err, ErrNotSaver) {
				return err
			}
			pr.log.Info("learning about people from recorded events", "learnt_up_to", events[len(events)-1].Seq)
		}
	}
}

// accepted decodes a recorded event if there is something to learn from it. Quarantined
// events do not count, and a replayed event was learnt the first time.
func accepted(stored *record.Event) (*event.Event, bool) {
	if stored.Status != record.Accepted {
		return nil, false
	}
	e, err := event.Decode(stored.Body)
	return &e, err == nil
}

// Learn folds in an event that was just stored. It must be called for every stored event,
// in any order, with a nil e if there is nothing to learn, as for quarantined or replayed
// events.
func (pr *Projection) Learn(_ context.Context, stored *record.Event, e *event.Event) {
	var f fact
	tells := false
	if e != nil {
		f, tells = factOf(e, stored.SignedAt)
	}
	pr.mu.Lock()
	defer pr.mu.Unlock()
	if tells {
		pr.fold(withheld{stored.Seq, f})
	}
	pr.learnt(stored.Seq)
}

// fold learns a fact, unless its person is being forgotten or was forgotten after the
// event.
func (pr *Projection) fold(w withheld) {
	switch upTo, gone := pr.forgotten[w.fact.user]; {
	case gone && upTo == forgetting:
		pr.withheld = append(pr.withheld, w)
	case gone && w.seq <= upTo:
	default:
		pr.Directory.mu.Lock()
		defer pr.Directory.mu.Unlock()
		pr.Directory.learn(&w.fact)
	}
}

// learnt advances the mark up to which all events were learnt.
func (pr *Projection) learnt(seq int64) {
	if seq != pr.next {
		if seq > pr.next {
			pr.above[seq] = true
		}
		return
	}
	for pr.next++; pr.above[pr.next]; pr.next++ {
		delete(pr.above, pr.next)
	}
}

// As returns the View that includes the event. Its methods wait until what was saved is
// loaded; if the context ends first, they know nothing.
func (pr *Projection) As(ctx context.Context, e *event.Event, signedAt time.Time) View {
	return loadedView{ctx, pr.ready, pr.Directory.As(e, signedAt)}
}

// Run loads what was saved, then saves periodically until the context ends, and once more
// then.
func (pr *Projection) Run(ctx context.Context) {
	for err := pr.load(ctx); err != nil && ctx.Err() == nil; err = pr.load(ctx) {
		pr.log.Error("cannot load what is known of people; trying again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(loadAgain):
		}
	}
	if pr.shared != nil {
		var following sync.WaitGroup
		defer following.Wait()
		following.Go(func() { pr.follow(ctx) })
	}
	for wait := saveEvery; ; {
		select {
		case <-ctx.Done():
			pr.Close(ctx)
			return
		case <-time.After(wait):
		}
		start := time.Now()
		pr.try(ctx)
		wait = min(max(saveEvery, saveShare*time.Since(start)), saveAtLeast)
	}
}

// Close saves for the last time. If that fails nothing is lost: the next start learns the
// changes again from the recorded events.
func (pr *Projection) Close(ctx context.Context) {
	pr.loading.Lock()
	defer pr.loading.Unlock()
	if !pr.loaded {
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	pr.try(ctx)
}

func (pr *Projection) try(ctx context.Context) {
	if pr.shared != nil && pr.isSaved() {
		return // with nothing to save, it does not matter whether another process saves
	}
	if err := pr.Save(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ErrNotSaver) {
		pr.log.Error("cannot save what is known of people; trying again", "error", err)
	}
}

// isSaved reports whether the checkpoint is at the newest event.
func (pr *Projection) isSaved() bool {
	pr.saving.Lock()
	defer pr.saving.Unlock()
	pr.mu.Lock()
	defer pr.mu.Unlock()
	return pr.next-1 == pr.saved
}

// Save saves changes, a part at a time, and then the checkpoint. If it fails, the parts
// already saved remain, and the next Save continues from there. The error is ErrNotSaver
// if another process saves.
func (pr *Projection) Save(ctx context.Context) error {
	pr.saving.Lock()
	defer pr.saving.Unlock()
	if pr.loaded { // a start that is catching up knows nothing newer yet
		if err := pr.lead(ctx, false); err != nil {
			return err
		}
	}
	pr.mu.Lock()
	learnt := pr.next - 1 // what is learnt from here on may be saved too, which is harmless
	pr.mu.Unlock()
	changes := pr.changedItems()
	for from, more := 0, true; more; from += stride {
		var some Rows
		some, more = pr.changedPeople(from)
		changes.add(&some)
		if more && changes.Len() < saveRun {
			continue
		}
		if err := pr.saveParts(ctx, &changes); err != nil {
			return fmt.Errorf("save people: %w", err)
		}
		changes = Rows{}
	}
	if learnt == pr.saved && pr.shared == nil {
		return nil
	}
	if err := pr.store.SavePeople(ctx, &Rows{}, learnt); err != nil {
		return fmt.Errorf("save people: %w", err)
	}
	pr.saved = learnt
	return nil
}

func (pr *Projection) saveParts(ctx context.Context, changes *Rows) error {
	parts := changes.parts(savePart)
	for i := range parts {
		if err := pr.store.SavePeople(ctx, &parts[i], 0); err != nil {
			for ; i < len(parts); i++ {
				pr.notSaved(&parts[i])
			}
			return err
		}
	}
	return nil
}

// allSaved marks all changes as saved.
func (d *Directory) allSaved() {
	d.changedItems()
	for from, more := 0, true; more; from += stride {
		_, more = d.changedPeople(from)
	}
}

// forgetting marks a person who is being forgotten.
const forgetting = math.MaxInt64

// Forget permanently deletes a person from the store and from memory, and returns the
// number of deleted events. Nothing restores the person: no save runs meanwhile, and
// events about the person that are being stored are withheld until it is known whether
// they were deleted.
func (pr *Projection) Forget(ctx context.Context, user string) (events int, err error) {
	pr.loading.Lock()
	if !pr.loaded && pr.Len() == 0 { // only the store knows the person
		defer pr.loading.Unlock()
		events, _, err = pr.store.ForgetPerson(ctx, user)
		return events, err
	}
	pr.loading.Unlock()
	if err := pr.load(ctx); err != nil {
		return 0, err
	}
	pr.saving.Lock()
	defer pr.saving.Unlock()
	pr.mu.Lock()
	for other, upTo := range pr.forgotten {
		if upTo < pr.next { // no earlier event can still arrive
			delete(pr.forgotten, other)
		}
	}
	pr.forgotten[user] = forgetting
	// From here on the person is unknown. Otherwise a decision made after the store has
	// deleted everything would store, with its event, what should be forgotten.
	p := pr.Directory.detach(user)
	pr.mu.Unlock()

	events, upTo, err := pr.store.ForgetPerson(ctx, user)

	pr.mu.Lock()
	defer pr.mu.Unlock()
	if err != nil && upTo == 0 { // something is left, so the person is kept
		delete(pr.forgotten, user)
		if p != nil {
			pr.Directory.attach(p)
		}
	} else {
		pr.forgotten[user] = upTo
		pr.Directory.forgotten(user)
	}
	waiting := pr.withheld
	pr.withheld = nil
	for _, w := range waiting {
		pr.fold(w)
	}
	return events, err
}
