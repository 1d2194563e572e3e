package store

import (
	"fmt"
	"strings"

	"heed/internal/store/postgres"
)

// At is where a store is by its address: sqlite:DIRECTORY, or a URL of PostgreSQL.
// sqlite: alone leaves the directory empty.
func At(address string) (Options, error) {
	if dir, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return Options{Dir: strings.TrimPrefix(dir, "//")}, nil
	}
	if postgres.IsURL(address) {
		return Options{URL: address}, nil
	}
	return Options{}, fmt.Errorf("%s is not the address of a store: write sqlite:DIRECTORY"+
		" or postgres://USER@HOST/DATABASE", postgres.Redacted(address))
}

// String is where the store is as At reads it, without a password.
func (o Options) String() string {
	if o.URL != "" {
		return postgres.Redacted(o.URL)
	}
	return "sqlite:" + o.Dir
}
