#!/usr/bin/env bash
# Writes THIRD-PARTY-NOTICES: the licences of all modules in heed, as they are in
# the modules: go list names them, so none is forgotten.
set -euo pipefail
cd "$(dirname "$0")/.."
exec > THIRD-PARTY-NOTICES

echo "heed contains these modules under these licences."
for goos in linux darwin windows; do
  GOOS=$goos go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/heed
done | sort -u | while read -r path version dir; do
  printf '\n%s\n%s %s\n\n' "================================================================" "$path" "$version"
  found=$(find "$dir" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'notice*' \) | sort)
  test -n "$found" || { echo "$path has no licence file" >&2; exit 1; }
  while read -r file; do cat "$file"; echo; done <<< "$found"
done
