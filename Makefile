# `make check` is what must pass before a change lands. CONTRIBUTING.md says what each part needs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

GO ?= go
LINT := bin/golangci-lint
# Tested again with the race detector: where goroutines meet.
CONCURRENT := ./loadgen/... ./httptarget/... ./payload/... ./emulator/... ./experiment/... ./runlog/... ./internal/host/... ./internal/memnet/...
# Tested alone: it measures servers by the wall clock, and what runs beside it would be measured too.
ALONE := ./internal/cli/...
# Of those, not repeated with the race detector: it takes so much of the processor that the peak would be its own.
MEASURED := RealModelServer|TestScripts/(rehearse|verify|tune|deploy)
# Nor are clients that others wrote: they wait for minutes, in processes that the detector does not see.
FOREIGN := ForeignClients
CHECKS := fmt-check lint tidy test
BENCH ?= .
COUNT ?= 6

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | sort | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: build
build: ## Build bin/plimsoll
	$(GO) build -trimpath -o bin/plimsoll ./cmd/plimsoll

.PHONY: check
check: tools ## All that must pass: formatting, lint, go.mod, tests
	@for step in $(CHECKS); do \
		begin=$$SECONDS; \
		$(MAKE) --no-print-directory $$step; \
		echo "== $$step: $$((SECONDS - begin)) s"; \
	done

.PHONY: fmt
fmt: tools ## Format the code
	$(LINT) fmt

.PHONY: fmt-check
fmt-check: tools
	@$(LINT) fmt --diff || { echo 'not formatted: run `make fmt`' >&2; exit 1; }

.PHONY: lint
lint: tools ## Run the linters of .golangci.yml
	$(LINT) run ./...

.PHONY: tidy
tidy: ## Show what go.mod and go.sum lack or hold in vain
	$(GO) mod tidy -diff

.PHONY: test
test: ## Run every test, and the concurrent packages' again with -race
	$(GO) test -shuffle=on $$($(GO) list ./... | grep -vxF "$$($(GO) list $(ALONE))")
	$(GO) test -shuffle=on -timeout 25m $(ALONE)
	$(GO) test -shuffle=on -race -skip '$(FOREIGN)' $(CONCURRENT)
	$(GO) test -shuffle=on -timeout 25m -race -skip '$(MEASURED)' $(ALONE)

.PHONY: bench
bench: tools ## Run benchmarks into bin/bench.txt; BENCH=regexp COUNT=6 BASE=earlier.txt
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) ./... | tee bin/bench.txt
	bin/benchstat $(BASE) bin/bench.txt

# The versions are pinned in tools.mod, apart from go.mod so that the program does not depend on them.
.PHONY: tools
tools: bin/.tools ## Build the linter and benchstat into bin/

bin/.tools: tools.mod tools.sum
	GOBIN='$(CURDIR)/bin' $(GO) install -modfile=tools.mod tool
	@touch $@

.PHONY: clean
clean: ## Remove what the targets made
	rm -rf bin
