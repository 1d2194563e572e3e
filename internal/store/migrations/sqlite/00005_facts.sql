-- +goose Up

-- What the rules asked beyond the event, with the answers, as JSON: by it the
-- decisions are explained when the answers have changed.
ALTER TABLE events ADD COLUMN facts BLOB;
