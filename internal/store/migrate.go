package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// schema is where the steps to a schema are, and how goose speaks to its database.
type schema struct {
	dir     string
	dialect goose.Dialect
}

var (
	sqliteSchema   = schema{"migrations/sqlite", goose.DialectSQLite3}
	postgresSchema = schema{"migrations/postgres", goose.DialectPostgres}
)

// migrate brings the schema up to date, each step in its own transaction. where
// names the database in errors.
func migrate(ctx context.Context, db *sql.DB, s schema, where string) error {
	dir, err := fs.Sub(migrations, s.dir)
	if err != nil {
		return err
	}
	steps, err := goose.NewProvider(s.dialect, db, dir,
		goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	current, newest, err := steps.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > newest {
		return &NewerError{Path: where, Schema: current, Own: newest}
	}
	if current == newest {
		return nil
	}
	if _, err := steps.Up(ctx); err != nil {
		return fmt.Errorf("bring the schema up to date: %w", err)
	}
	return nil
}
