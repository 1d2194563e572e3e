-- +goose Up

-- What became of events, by hour: for the figures and the health of rules, which
-- must not count events each time. They are derived, and a crash may lose the
-- last seconds of them. The rule '' counts events by their types.
CREATE TABLE tallies (
    rule    TEXT    NOT NULL,
    hour    INTEGER NOT NULL,
    outcome TEXT    NOT NULL,
    n       INTEGER NOT NULL,
    PRIMARY KEY (rule, hour, outcome)
) STRICT, WITHOUT ROWID;
