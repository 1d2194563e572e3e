-- +goose Up

-- How often the signature of an original event came again under other ids. The
-- first time, an event without a body was stored, which is named here.
CREATE TABLE reuses (
    event    INTEGER PRIMARY KEY REFERENCES events (seq) ON DELETE CASCADE,
    original INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    last_at  INTEGER NOT NULL
) STRICT;

-- When the source of events was last known to work, and the event that showed
-- it; and since when heed has listened for it.
INSERT INTO marks (name, value) VALUES ('watched_since', 0), ('last_good_at', 0), ('last_good_seq', 0);

UPDATE marks SET value = last.seq FROM (
    SELECT seq FROM events WHERE status = 'accepted' AND type NOT GLOB 'heed.*' ORDER BY seq DESC LIMIT 1
) last WHERE name = 'last_good_seq';

UPDATE marks SET value = last.received_at FROM (
    SELECT received_at FROM events WHERE status = 'accepted' AND type NOT GLOB 'heed.*' ORDER BY seq DESC LIMIT 1
) last WHERE name = 'last_good_at';
