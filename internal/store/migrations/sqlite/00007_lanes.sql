-- +goose Up

-- destination is where a delivery goes, if not where all of its action's go; of
-- one action, deliveries with the same order_key are sent in the order of n.
-- recipients is JSON.
ALTER TABLE deliveries ADD COLUMN destination TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN order_key TEXT;
ALTER TABLE deliveries ADD COLUMN recipients BLOB;

CREATE INDEX deliveries_ordered ON deliveries (action, order_key, n) WHERE due_at IS NOT NULL AND order_key IS NOT NULL;

-- What is known of destinations that are not in order or not open: see
-- delivery.Lane, which state holds as JSON. Those that do not stand here are in
-- order. Nothing may start before open_at, because of wait.
CREATE TABLE lanes (
    name    TEXT    PRIMARY KEY,
    open_at INTEGER NOT NULL,
    wait    TEXT    NOT NULL,
    state   BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
