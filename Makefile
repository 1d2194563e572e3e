# heed: see "make help". Everything but Go, git and make is fetched by Go.

GO ?= go
export CGO_ENABLED = 0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
TOOL := $(GO) tool -modfile=.ci/tools.mod
CODE := cmd engine actions internal torture
SECONDS ?= 10
COUNT ?= 3
BENCH ?= Commit|Deliver$$|Evaluate|Handler|Server

.DEFAULT_GOAL := help
.PHONY: help build demo test test-browser test-postgres race lint fmt tidy notices vulns bench bench-compare load pgo torture fuzz clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/heed
	@$(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/heed ./cmd/heed

demo: build ## see the example rules at work on every fixture; sends nothing
	@bin/heed demo

test: ## run all tests
	$(GO) test -pgo=off ./...
	@cd torture && $(GO) test -pgo=off ./...

BROWSER := internal/admin/console/browser

test-browser: build ## test the console in Chromium: CHROMIUM names it, SHOTS a directory for pictures
	@cd $(BROWSER) && HEED=$(CURDIR)/bin/heed $(GO) test -count=1 ./...

test-postgres: ## run the tests that need PostgreSQL, on a server of their own
	.ci/with-postgres $(GO) test -pgo=off -run 'Postgres|TestCopy' ./internal/store/... ./cmd/heed

race: ## run all tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -pgo=off -race ./...
	@cd torture && CGO_ENABLED=1 $(GO) test -pgo=off -race ./...

lint: ## check format, vet, staticcheck and the tidiness of go.mod
	@out="$$($(TOOL) gofumpt -l $(CODE))"; test -z "$$out" || { echo "not formatted (make fmt): $$out"; exit 1; }
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	$(GO) mod tidy -diff
	@cd $(BROWSER) && $(GO) vet ./... && $(GO) mod tidy -diff
	@cd torture && $(GO) vet ./... && "$$($(GO) -C .. tool -modfile=.ci/tools.mod -n staticcheck)" ./... && $(GO) mod tidy -diff

fmt: ## format the code
	@$(TOOL) gofumpt -w $(CODE)

tidy: ## tidy go.mod
	$(GO) mod tidy
	@cd torture && $(GO) mod tidy
	@cd $(BROWSER) && $(GO) mod tidy

notices: ## write the licences of what heed contains into THIRD-PARTY-NOTICES
	@.ci/notices.sh

vulns: ## look for known vulnerabilities; skipped where the database cannot be reached
	@out="$$($(TOOL) govulncheck ./... 2>&1)" && echo "$$out" || { code=$$?; echo "$$out"; \
	  case "$$out" in *"fetching vulnerabilities"*) echo "skipped: the database cannot be reached";; *) exit $$code;; esac; }

BENCHSTAT = $(TOOL) benchstat

bench: ## run all benchmarks and the load runs, and print a table: COUNT=3 of each
	@mkdir -p bin
	@$(GO) test -run '^$$' -bench . -benchmem -count $(COUNT) ./... | tee bin/bench.txt
	@for c in 64 256; do \
	  $(GO) run ./internal/loadtest -length $(SECONDS)s -rounds $(COUNT) -connections $$c | tee -a bin/bench.txt || exit 1; \
	done
	@$(BENCHSTAT) bin/bench.txt

bench-compare: ## compare with another revision, in turn: REV=v0.1.0, BENCH='Commit|Deliver' COUNT=6
	@REV="$(REV)" BENCH="$(BENCH)" COUNT=$(COUNT) LENGTH=$(SECONDS)s BENCHSTAT="$(BENCHSTAT)" .ci/bench-compare

load: ## only the load run: SECONDS=10 for each of its rounds
	$(GO) run ./internal/loadtest -length $(SECONDS)s

pgo: ## measure for the compiler where time goes: cmd/heed/default.pgo
	$(GO) run ./internal/loadtest -length 30s -rounds 1 -profile cmd/heed/default.pgo

TORTURE = -selfcheck $(if $(LONG),-cycles 200 -seconds 60)

torture: ## kill, power cuts, full disk: is anything acknowledged lost? LONG=1 for 200 of each
	@cd torture && $(GO) run . $(TORTURE)

fuzz: ## fuzz every target for 20 s
	@for p in $$($(GO) list -pgo=off ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 20s $$p || exit 1; \
	  done; \
	done

clean: ## remove what was built
	@rm -rf bin
