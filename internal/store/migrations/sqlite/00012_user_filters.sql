-- +goose Up

-- Whom the events of a block are about: a Bloom filter for each 512 numbers; see
-- userfilter.go. A block without one may hold anybody's events.
CREATE TABLE user_filters (
    block INTEGER PRIMARY KEY,
    users BLOB    NOT NULL
) STRICT;
