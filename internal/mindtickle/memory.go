package mindtickle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Subscription is a webhook that was registered.
type Subscription struct {
	ID           string    `json:"id"`
	URL          string    `json:"url"`
	Events       []string  `json:"events"`
	Company      string    `json:"company,omitempty"`
	API          string    `json:"api"`
	RegisteredAt time.Time `json:"registered_at"`
	ActivatedAt  time.Time `json:"activated_at,omitzero"`
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
		return m, fmt.Errorf("%s cannot be read: %w; mend it, or remove it and name webhooks with --id", filepath.Join(dir, memoryFile), err)
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

// Events are all event types that are subscribed to, each once.
func (m Memory) Events() []string {
	var events []string
	for _, s := range m.Subscriptions {
		events = append(events, s.Events...)
	}
	slices.Sort(events)
	return slices.Compact(events)
}

// Missing are the needed event types that are not subscribed to, in order.
func (m Memory) Missing(needed []string) []string {
	have := m.Events()
	return slices.DeleteFunc(slices.Clone(needed), func(name string) bool { return slices.Contains(have, name) })
}
