-- +goose Up

-- owner is the run of a process that has claimed the delivery, from its claim to
-- the end of its attempt. Meanwhile due_at is the end of its lease.
ALTER TABLE deliveries ADD COLUMN owner TEXT;
