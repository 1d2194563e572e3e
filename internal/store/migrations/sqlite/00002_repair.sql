-- +goose Up

-- A retry by a person begins a new generation, which the receiver of a request
-- can tell from the one before. spent counts the attempts of the generations
-- before, so that the new one has as many as its action allows.
ALTER TABLE deliveries ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN spent INTEGER NOT NULL DEFAULT 0;

-- Replays are events of their own, under the id of the one they repeat.
CREATE INDEX events_replayed_id ON events (id) WHERE status = 'replayed';
