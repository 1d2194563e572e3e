-- +goose Up

CREATE TABLE sessions (
    id           BYTEA  PRIMARY KEY,
    token        BYTEA  NOT NULL,
    began_at     BIGINT NOT NULL,
    reveal_until BIGINT NOT NULL
);
