#!/usr/bin/env bash
# Writes the completions and the manual pages that packages have into bin/assets.
set -euo pipefail
cd "$(dirname "$0")/../.."

export CGO_ENABLED=0 # as the release is built, so that this is built once
mkdir -p bin/assets/completions bin/assets/man
for shell in bash zsh fish; do
  go run ./cmd/heed completion "$shell" > "bin/assets/completions/heed.$shell"
done
go run ./cmd/heed man bin/assets/man
gzip -9nf bin/assets/man/*.1
