package receiver

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// The listener's limits. A connection that dawdles over a request is dropped
// within ten seconds of its first byte, with or without an answer. The write
// timeout begins once the headers are read: it has to cover the rest of the
// body and the wait for the store.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 9 * time.Second
	writeTimeout      = readTimeout + acceptTimeout + 6*time.Second
	maxHeaderBytes    = 16 << 10
)

// NewServer returns the server of the public listener with all its limits set.
// A connection stays open for idle between two requests: longer than a load
// balancer in front keeps its own, which would otherwise use one just as it closes.
// With certs it speaks TLS 1.2 and newer; nil means plain HTTP, for a proxy in
// front. What net/http has to say about connections that break goes to log at
// debug level: on a public port that is not news.
//
// It speaks HTTP/1.1 only. A sender of webhooks gains nothing from HTTP/2, and
// each of these limits is one of a connection.
func NewServer(handler http.Handler, certs *CertReloader, idle time.Duration, log *slog.Logger) *http.Server {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idle,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		Protocols:         new(http.Protocols),
		// "OPTIONS *" is the handler's to refuse, too.
		DisableGeneralOptionsHandler: true,
	}
	server.Protocols.SetHTTP1(true)
	if certs != nil {
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certs.GetCertificate}
	}
	return server
}

// Serve serves what NewServer returned on l, with TLS if it has certificates.
// It returns http.ErrServerClosed after Shutdown or Close.
func Serve(server *http.Server, l net.Listener) error {
	if server.TLSConfig != nil {
		return server.ServeTLS(l, "", "")
	}
	return server.Serve(l)
}
