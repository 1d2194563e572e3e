package inbox

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// unfinished are the suffixes of names that files have while they are being copied.
var unfinished = []string{".tmp", ".part", ".filepart", ".crdownload", "~"}

func isUnfinished(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, ".") ||
		slices.ContainsFunc(unfinished, func(end string) bool { return strings.HasSuffix(name, end) })
}

// isPattern reports whether a part of a glob is more than a plain name.
func isPattern(part string) bool { return strings.ContainsAny(part, `*?[\`) }

// directories returns the directories in which each glob may have files.
func (i *Inbox) directories(patterns []Pattern) map[string][]string {
	dirs := map[string][]string{}
	for _, p := range patterns {
		dir := filepath.Dir(p.Glob)
		if !isPattern(dir) {
			dirs[p.Glob] = []string{dir}
			continue
		}
		all, err := filepath.Glob(dir)
		if err != nil {
			i.badPattern(p, err)
		}
		dirs[p.Glob] = slices.DeleteFunc(all, func(dir string) bool {
			info, err := os.Stat(dir)
			return err != nil || !info.IsDir()
		})
	}
	return dirs
}

func (i *Inbox) badPattern(p Pattern, err error) {
	i.trouble.about("glob "+p.Glob, "files: the pattern cannot be used", "source", p.Source, "files", p.Glob, "error",
		err)
}

// find returns the regular files, each once per source.
func (i *Inbox) find(patterns []Pattern, dirs map[string][]string) []*file {
	var found []*file
	now, isFound := i.Now(), map[key]bool{}
	for _, p := range patterns {
		for _, dir := range dirs[p.Glob] {
			for _, name := range i.names(p, dir) {
				k := key{p.Source, filepath.Join(dir, name)}
				if info := i.regular(dir, k.path); info != nil && !isFound[k] {
					isFound[k] = true
					found = append(found, &file{key: k, info: info, since: now, version: p.Version})
				}
			}
		}
	}
	return found
}

// names returns the names in a directory that a pattern matches.
func (i *Inbox) names(p Pattern, dir string) []string {
	base := filepath.Base(p.Glob)
	if !isPattern(base) {
		return slices.DeleteFunc([]string{base}, isUnfinished)
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		i.trouble.about("dir "+dir, "files: the directory cannot be read", "source", p.Source, "dir", dir, "error", err)
	}
	var names []string
	for _, entry := range entries {
		matches, err := filepath.Match(base, entry.Name())
		if err != nil {
			i.badPattern(p, err)
			return nil
		}
		if matches && !entry.IsDir() && !isUnfinished(entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	return names
}

// regular returns the information on a regular file, through symbolic links; nil for
// anything else.
func (i *Inbox) regular(dir, path string) os.FileInfo {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.Mode().IsRegular():
		return info
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		i.trouble.about("stat "+dir, "files: a file in the directory cannot be looked at", "dir", dir, "error", err)
	}
	return nil
}
