-- +goose Up

-- What only imports tell of people, beside the table people. Times are
-- microseconds.
CREATE TABLE person_details (
    id         TEXT COLLATE "C" PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL,
    name_at    BIGINT NOT NULL,
    manager    TEXT COLLATE "C" NOT NULL,
    manager_at BIGINT NOT NULL
);
