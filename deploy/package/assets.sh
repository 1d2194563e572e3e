#!/usr/bin/env bash
# Writes the completions and the manual pages that packages have into dist/assets.
set -euo pipefail
cd "$(dirname "$0")/../.."

mkdir -p dist/assets/completions dist/assets/man
for shell in bash zsh fish; do
  go run ./cmd/heed completion "$shell" > "dist/assets/completions/heed.$shell"
done
go run ./cmd/heed man dist/assets/man
gzip -9nf dist/assets/man/*.1
