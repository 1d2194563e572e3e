// Package postgres owns how heed speaks to a PostgreSQL server: connections, the
// form of statements and texts, and what an error means. It knows none of heed's
// tables. internal/store imports it and nobody else.
//
// Statements are written with a question mark for each parameter, as SQLite has
// them. A text of PostgreSQL cannot hold everything that a sender may write, so
// texts are escaped on their way in and back: see text.go.
package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// IsURL says whether a store's address is one of PostgreSQL.
func IsURL(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// Redacted is the address without its password, for messages.
func Redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the address of the store"
	}
	q := u.Query()
	if q.Has("password") {
		q.Set("password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}

// Server is a database on a PostgreSQL server.
type Server struct{ config *pgx.ConnConfig }

// connectTimeout bounds how long it takes to connect, unless the address says.
const connectTimeout = 5 * time.Second

// Parse reads an address. What it leaves out comes from the PG… environment
// variables and files, as libpq reads them.
func Parse(address string) (*Server, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("%s is not a store's address: write postgres://user@host:5432/database, "+
			"with the password in PGPASSWORD or the file PGPASSFILE names: %w", Redacted(address), err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "heed"
	}
	return &Server{config}, nil
}

// Plain is a pool of connections that neither read question marks nor escape texts.
func (s *Server) Plain() *sql.DB { return stdlib.OpenDB(*s.config) }

// Pool is a pool of connections for reading. Its statements are written with
// question marks, and texts are those that were written.
func (s *Server) Pool() *sql.DB {
	// A connection that was lost says so by itself when it is used.
	noPing := stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return false })
	return sql.OpenDB(connector{stdlib.GetConnector(*s.config, noPing)})
}

// Conn makes a connection for writing. It connects when it is first used.
func (s *Server) Conn() *Conn { return &Conn{server: s, numbered: map[string]string{}} }

func (s *Server) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, s.config.ConnectTimeout)
	defer stop()
	return pgx.ConnectConfig(ctx, s.config)
}
