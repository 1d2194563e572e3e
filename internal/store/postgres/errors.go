package postgres

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// hints say what to do about errors that are of the server or the connection and
// not of one statement, by the beginning of their codes.
var hints = []struct{ code, hint string }{
	{"25P03", "a transaction was cut off because this process stood still"},
	{"25006", "the database takes no writes: it may be a standby; name the primary"},
	{"53100", "the disk of the database is full: free some space there"},
	{"53300", "the database has no connection left: raise max_connections, or use a pooler"},
	{"53", "the database is out of resources"},
	{"57014", "the database cancelled the statement"},
	{"57P", "the database is stopping or starting"},
	{"08", "the connection to the database is lost"},
	{"28", "the database does not let heed in: check the user, the password and pg_hba.conf"},
	{"3D", "there is no such database: create it"},
	{"42501", "the user may not do this: grant it the rights on the tables of heed"},
	{"55P03", "another process holds the tables of heed for too long"},
	{"40", "the database gave the transaction up for another one"},
	{"58", "the disk of the database gives errors: check it"},
	{"XX", "the database gives internal errors: look into its log"},
}

// LostError says that the connection was lost or could not be made.
type LostError struct{ Err error }

func (e *LostError) Error() string { return e.Err.Error() }

// Unwrap returns what the connection was lost by.
func (e *LostError) Unwrap() error { return e.Err }

// Lost is the error as a LostError, if it says that no connection could be made.
func Lost(err error) error {
	if connect, failed := errors.AsType[*pgconn.ConnectError](err); failed {
		return &LostError{connect}
	}
	return err
}

// Trouble says what to do about an error that is of the server or the connection;
// ok is false for an error of one statement.
func Trouble(err error) (hint string, ok bool) {
	if server, is := errors.AsType[*pgconn.PgError](err); is {
		for _, h := range hints {
			if strings.HasPrefix(server.Code, h.code) {
				return h.hint, true
			}
		}
		return "", false
	}
	if _, lost := errors.AsType[*LostError](err); lost {
		return "the database cannot be reached: check that it runs, and the network", true
	}
	return "", false
}
