// Package pgtest owns the PostgreSQL server of the tests: a server of its own in a
// temporary directory, or the one that HEED_TEST_POSTGRES names. Only tests and
// make test-postgres use it.
package pgtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// variable names the server that tests use, as a URL of a database on it. The
// user must be allowed to make databases.
const variable = "HEED_TEST_POSTGRES"

// Available says whether there is a server.
func Available() bool { return os.Getenv(variable) != "" }

// Skip skips a test where there is no server.
func Skip(t testing.TB) {
	t.Helper()
	if !Available() {
		t.Skipf("%s names no PostgreSQL server: run make test-postgres", variable)
	}
}

// New makes an empty database that is deleted when the test ends, and returns its
// URL.
func New(t testing.TB) string {
	t.Helper()
	Skip(t)
	server, err := url.Parse(os.Getenv(variable))
	if err != nil {
		t.Fatal(err)
	}
	name := "heed_" + strings.ToLower(rand.Text()[:12])
	if err := run(server.String(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run(server.String(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	database := *server
	database.Path = "/" + name
	return database.String()
}

func run(address, statement string) error {
	db, err := sql.Open("pgx", address)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
