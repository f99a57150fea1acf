# The commands of this repository. `make` lists them; CI runs the same ones.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

CORPUS := webhooks-examples@7.6.1 webhooks-schemas@7.6.1 graphql-schema@15.26.1
CORPUS_FOLDER := .cache

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: attack faults fuzz gameday help demo test test-slow test-simulator check check-format check-lint check-types \
	check-imports check-migrations fix bench bench-short chaos corpus fixtures migration constraints audit \
	check-licences sbom release

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name what; do \
		printf '  make %-14s %s\n' "$$name" "$$what"; \
	done

# Whoever presses Ctrl-C knows of it, and its shell waits for what cleans up.
demo: $(INSTALLED) ## Show everything on one screen, on a simulated GitHub
	@trap : INT; $(BIN)/ghsync demo || { status=$$?; test $$status -eq 130 || exit $$status; }

# Where Python may keep nothing that it compiled, each process of the tests compiles all of them anew, for 10 s.
test test-slow test-simulator: export PYTHONDONTWRITEBYTECODE =
test: $(INSTALLED) ## Run the tests that are not slow; ARGS="tests/inbox -k parked" runs others, slow ones too
	@$(BIN)/pytest --numprocesses auto --dist worksteal --ignore tests/simulator $(or $(ARGS),-m 'not slow')

test-slow: $(INSTALLED) ## Run the tests that take seconds each: whole organizations, killed processes, installations
	@$(BIN)/pytest --numprocesses auto --dist worksteal --ignore tests/simulator -m slow $(ARGS)

test-simulator: $(INSTALLED) ## Run the simulated GitHub's own tests
	@$(BIN)/pytest --numprocesses auto --dist worksteal tests/simulator $(ARGS)

check: check-format check-lint check-types check-imports check-licences audit check-migrations ## Check format, lint, types, imports, licences, advisories, migrations

check-format: $(INSTALLED)
	@echo 'Format'
	@$(BIN)/ruff format --check .

check-lint: $(INSTALLED)
	@echo 'Lint'
	@$(BIN)/ruff check .

check-types: $(INSTALLED)
	@echo 'Types'
	@$(BIN)/mypy

check-imports: $(INSTALLED)
	@echo 'Imports'
	@$(BIN)/lint-imports --no-logo

check-licences: $(INSTALLED)
	@echo 'Licences'
	@$(BIN)/python -m release.licences

audit: $(INSTALLED) ## Ask what is known against what ghsync installs
	@echo 'Advisories'
	@$(BIN)/python -m release.audit

sbom: $(INSTALLED) ## List what ghsync installs, in CycloneDX's form, in dist/
	@$(BIN)/python -m release.sbom dist/ghsync.cdx.json
	@echo 'dist/ghsync.cdx.json'

check-migrations: $(INSTALLED)
	@echo 'Migrations'
	@$(BIN)/pytest tests/db/test_migrations.py

fix: $(INSTALLED) ## Format, repair what the linter can, and bring generated text up to date
	@$(BIN)/ruff check --fix-only --show-fixes .
	@$(BIN)/ruff format .
	@$(BIN)/python db/contract.py
	@$(BIN)/python -m tests.documents

bench: $(INSTALLED) ## Measure with nothing else at work, and keep it: an hour; ARGS="fresh project" measures these
	@trap : INT; $(BIN)/python -m tests.benchmarks --keep $(ARGS) || { status=$$?; test $$status -eq 130 || exit $$status; }

bench-short: $(INSTALLED) ## Measure for two minutes, and keep nothing; .venv/bin/python -m tests.benchmarks project: nor this, in full
	@trap : INT; $(BIN)/python -m tests.benchmarks --short $(ARGS) || { status=$$?; test $$status -eq 130 || exit $$status; }

chaos: $(INSTALLED) ## Let everything go wrong, ARGS="--seeds 1-10" in ten ways; the mirror has to be right in the end
	@$(BIN)/python -m tests.chaos $(ARGS)

faults: $(INSTALLED) ## Let twenty-two things go wrong, one at a time, while deliveries come; ARGS=--keep writes docs/faults.md
	@$(BIN)/python -m tests.faults $(ARGS)

gameday: $(INSTALLED) ## Make eighteen faults, and see that each raises its alert alone until its runbook is done; ARGS=--keep writes it
	@$(BIN)/python -m tests.gameday $(ARGS)

attack: $(INSTALLED) ## Attack the receiver from outside in every way, and tell how deliveries fare beside it
	@$(BIN)/python -m tests.attack $(ARGS)

fuzz: $(INSTALLED) ## Send odd deliveries, rightly signed, for ten minutes; ARGS="--minutes 60 --seed 7" others for longer
	@$(BIN)/python -m tests.fuzz $(ARGS)

corpus: $(CORPUS:%=fetch-%) ## Fetch the payloads and the schema that Octokit publishes, for the tests that read them

fetch-%:
	@name='$*'; folder="$(CORPUS_FOLDER)/$${name%@*}"; \
	if grep -qsF "\"version\": \"$${name#*@}\"" "$$folder/package/package.json"; then \
		echo "@octokit/$* is in $$folder."; \
	elif ! command -v npm > /dev/null; then \
		echo 'Skipped: npm is not installed, so the tests that read @octokit/$* will be skipped too.'; \
	else \
		mkdir -p "$$folder" && cd "$$folder" && \
		tarball=$$(npm pack --loglevel=error '@octokit/$*') && tar -xzf "$$tarball" && \
		echo "@octokit/$* is in $$folder."; \
	fi

fixtures: $(INSTALLED) ## Record the fixtures anew
	@$(BIN)/python fixtures/record.py

migration: $(INSTALLED) ## Write the next migration, after a table was declared or changed: NAME="releases"
	@$(BIN)/python db/revision.py '$(NAME)'

release: $(INSTALLED) ## Check and test, then name, build and tag a version: VERSION=1.2.3
	@$(BIN)/python -m release '$(VERSION)' --check
	@$(MAKE) --no-print-directory check test
	@$(BIN)/python -m release '$(VERSION)'

constraints: $(INSTALLED) ## Pin what is installed in .venv, after an upgrade there
	@{ sed -n '/^#/p' constraints.txt; \
		$(BIN)/python -m pip freeze --all --exclude-editable --exclude setuptools; } > .venv/constraints.txt
	@mv .venv/constraints.txt constraints.txt
	@touch $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'ghsync needs Python 3.11 or newer, and $(PYTHON) is not: name one with `make PYTHON=python3.12 ...`.' >&2; \
		exit 1; \
	}
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo 'Installing ghsync and its tools into .venv.'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --upgrade pip
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --build-constraint constraints.txt \
		--group dev --editable '.[otel]'
	@touch $(INSTALLED)
