package mindtickle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Subscription is a webhook that was registered, or made by other means and
// activated. Of one of those the address and the event types may be unknown.
type Subscription struct {
	ID           string    `json:"id"`
	URL          string    `json:"url"`
	Events       []string  `json:"events"`
	Company      string    `json:"company,omitempty"`
	API          string    `json:"api"`
	RegisteredAt time.Time `json:"registered_at,omitzero"`
	ActivatedAt  time.Time `json:"activated_at,omitzero"`
	// ReplacedBy is the webhook that was registered since, at another address.
	// This one may still be at MindTickle.
	ReplacedBy string `json:"replaced_by,omitempty"`
}

// Memory is what was registered, oldest first, in a file of the data directory.
// It holds no secret.
type Memory struct{ Subscriptions []Subscription }

// memoryFile is the memory's name in the data directory.
const memoryFile = "webhooks.json"

// Remember reads the memory of a data directory; without one it is empty.
func Remember(dir string) (Memory, error) {
	var m Memory
	text, err := os.ReadFile(filepath.Join(dir, memoryFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, nil
	case err != nil:
		return m, fmt.Errorf("read what was registered: %w", err)
	}
	if err := json.Unmarshal(text, &m.Subscriptions); err != nil {
		return m, fmt.Errorf("%s cannot be read: %w; fix it, or remove it and name webhooks with --id",
			filepath.Join(dir, memoryFile), err)
	}
	return m, nil
}

// Save writes the memory, whole or not at all.
func (m Memory) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("remember the webhook: %w", err)
	}
	text, err := json.MarshalIndent(m.Subscriptions, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, memoryFile)
	f, err := os.CreateTemp(dir, memoryFile+".*")
	if err != nil {
		return fmt.Errorf("remember the webhook: %w", err)
	}
	defer os.Remove(f.Name()) // gone already after a rename
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("remember the webhook: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("remember the webhook: %w", err)
	}
	return nil
}

// Find returns the webhook with an id; nil if it is not remembered.
func (m Memory) Find(id string) *Subscription {
	if i := slices.IndexFunc(m.Subscriptions, func(s Subscription) bool { return s.ID == id }); i >= 0 {
		return &m.Subscriptions[i]
	}
	return nil
}

// Forget drops a webhook.
func (m *Memory) Forget(id string) {
	m.Subscriptions = slices.DeleteFunc(m.Subscriptions, func(s Subscription) bool { return s.ID == id })
}

// Live returns the webhooks that were not replaced.
func (m Memory) Live() []*Subscription {
	var live []*Subscription
	for i := range m.Subscriptions {
		if s := &m.Subscriptions[i]; s.ReplacedBy == "" {
			live = append(live, s)
		}
	}
	return live
}

// At returns what is remembered of the webhooks at an address, including those whose
// address is not known.
func (m Memory) At(address string) Memory {
	var at Memory
	for _, s := range m.Subscriptions {
		if s.URL == "" || sameAddress(s.URL, address) {
			at.Subscriptions = append(at.Subscriptions, s)
		}
	}
	return at
}

// sameAddress compares as the web does: hosts in any case, 443 is https.
func sameAddress(a, b string) bool {
	plain := func(address string) string {
		u, err := url.Parse(address)
		if err != nil {
			return address
		}
		u.Host = strings.TrimSuffix(strings.ToLower(u.Host), ":443")
		return u.String()
	}
	return plain(a) == plain(b)
}

// Events returns all subscribed event types, each once.
func (m Memory) Events() []string {
	var events []string
	for _, s := range m.Live() {
		events = append(events, s.Events...)
	}
	slices.Sort(events)
	return slices.Compact(events)
}

// Missing returns the needed event types that are not subscribed to, in order. While
// the event types of a webhook are unknown, it returns none.
func (m Memory) Missing(needed []string) []string {
	if slices.ContainsFunc(m.Live(), func(s *Subscription) bool { return len(s.Events) == 0 }) {
		return nil
	}
	have := m.Events()
	return slices.DeleteFunc(slices.Clone(needed), func(name string) bool { return slices.Contains(have, name) })
}
