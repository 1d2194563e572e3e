package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed *.html static
var files embed.FS

// views are the pages' templates, each with the frame around it.
type views struct{ pages map[string]*template.Template }

func readViews() (views, error) {
	v := views{map[string]*template.Template{}}
	common, err := template.New("").Funcs(functions).ParseFS(files, "frame.html", "parts.html")
	if err != nil {
		return v, err
	}
	names, err := fs.Glob(files, "*.html")
	if err != nil {
		return v, err
	}
	for _, name := range names {
		page, err := common.Clone()
		if err != nil {
			return v, err
		}
		if name != "frame.html" && name != "parts.html" {
			if page, err = page.ParseFS(files, name); err != nil {
				return v, err
			}
		}
		v.pages[strings.TrimSuffix(name, ".html")] = page
	}
	return v, nil
}

// asset returns the address of a file in static. The address changes with the file, so
// browsers may cache the file forever.
func asset(name string) string { return "/ui/static/" + name + "?v=" + assetVersions()[name] }

var assetVersions = sync.OnceValue(func() map[string]string {
	versions := map[string]string{}
	names, _ := fs.Glob(files, "static/*") // the pattern is right
	for _, name := range names {
		text, _ := files.ReadFile(name) // it is embedded
		versions[path.Base(name)] = fmt.Sprintf("%x", sha256.Sum256(text))[:12]
	}
	return versions
})

var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

func static() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("file")
		text, err := files.ReadFile("static/" + name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", mediaTypes[path.Ext(name)])
		if r.URL.Query().Get("v") == assetVersions()[name] {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
	})
}

// compressed sends pages as gzip to whoever takes it.
func compressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept-Encoding")
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") || r.Header.Get("Range") != "" {
			next.ServeHTTP(w, r)
			return
		}
		z := &zipped{ResponseWriter: w}
		defer z.close()
		next.ServeHTTP(z, r)
	})
}

type zipped struct {
	http.ResponseWriter
	out *gzip.Writer
}

func (z *zipped) WriteHeader(status int) {
	hasBody := status != http.StatusNoContent && status != http.StatusNotModified
	if hasBody && z.out == nil && z.Header().Get("Content-Encoding") == "" {
		z.Header().Set("Content-Encoding", "gzip")
		z.Header().Del("Content-Length")
		z.out = gzip.NewWriter(z.ResponseWriter)
	}
	z.ResponseWriter.WriteHeader(status)
}

func (z *zipped) Write(p []byte) (int, error) {
	if z.out == nil {
		z.WriteHeader(http.StatusOK)
	}
	if z.out == nil {
		return z.ResponseWriter.Write(p)
	}
	return z.out.Write(p)
}

func (z *zipped) close() {
	if z.out != nil {
		_ = z.out.Close() // the browser is gone
	}
}
