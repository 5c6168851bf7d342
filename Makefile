# Every task of Kefu Portal: people, hooks and CI call the same ones. `make` alone lists them.

# An interpreter to prefer: make setup PYTHON=/opt/python3.13/bin/python3
PYTHON ?=
# make lock UPGRADE=--upgrade takes the newest releases that the .in files allow.
UPGRADE ?=

PIP = .venv/bin/python -m pip install -qq --disable-pip-version-check \
	--require-hashes --no-deps --only-binary :all: -r
FLASK = .venv/bin/python -m flask --app run
# A worker that has finished takes over what another still has before it.
PYTEST = .venv/bin/python -m pytest -n 2 --dist worksteal
UV_COMPILE = .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" $(UPGRADE)
# Node.js of .venv, if it had to be installed there, goes before the machine's.
NODE = PATH="$(CURDIR)/.venv/bin:$$PATH"
NPM = $(NODE) npm
# The files that pages load, out of the packages of package.json; Tabler's sheet comes by purgecss.config.cjs.
ASSETS = echarts/dist/echarts.simple.min.js \
	tom-select/dist/css/tom-select.bootstrap5.min.css \
	tom-select/dist/js/tom-select.complete.min.js
# Where the names stand that decide what is kept of Tabler.
NAMING = $(shell find app -name vendor -prune -o \( -name '*.html' -o -name '*.js' -o -name '*.py' \) -print)

.DEFAULT_GOAL = help
.NOTPARALLEL:
.PHONY: help setup run test quick test-postgresql test-sqlite journeys figures bench bench-face bench-server \
	big pictures lint types floors i18n i18n-check migrations migration format hooks lock clean browser

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

# ---------------------------------------------------------------- install and run

setup: .venv/.runtime app/static/vendor ## Install what the portal runs on, nothing outside this folder
	@.venv/bin/python translations/check.py compile

run: setup ## Prepare the database, load demo data if it is empty, serve on PORTAL_PORT (8080)
	@$(FLASK) portal init
	@$(FLASK) portal demo --if-empty
	@exec .venv/bin/python -m gunicorn

# ---------------------------------------------------------------- tests

test: lint types floors i18n-check migrations test-postgresql test-sqlite ## Run every check and every test on both databases (installs what it needs)

quick: lint setup ## Run lint and the fast tests on SQLite, in under a minute
	@$(PYTEST) -m "not slow and not browser" --durations 10 --durations-min 0.5

test-postgresql: .venv/.dev setup browser ## Run the tests on PostgreSQL (PORTAL_TEST_POSTGRES_URL)
	@export PORTAL_TEST_DATABASE=postgresql; \
	asked="$$CI$$PORTAL_TEST_POSTGRES_URL"; \
	: "$${PORTAL_TEST_POSTGRES_URL:=postgresql+psycopg://postgres@127.0.0.1:5432/postgres}"; \
	export PORTAL_TEST_POSTGRES_URL; \
	if .venv/bin/python -c 'import os, psycopg; psycopg.connect(os.environ["PORTAL_TEST_POSTGRES_URL"].replace("+psycopg", ""), connect_timeout=5)' 2>/dev/null; \
	then $(PYTEST); \
	elif [ -n "$$asked" ]; then echo "PostgreSQL does not answer; see PORTAL_TEST_POSTGRES_URL in CONTRIBUTING.md." >&2; exit 1; \
	else echo "PostgreSQL does not answer on this machine: only SQLite is tested."; fi

test-sqlite: .venv/.dev setup browser ## Run the tests on SQLite
	@PORTAL_TEST_DATABASE=sqlite $(PYTEST)

journeys: .venv/.dev setup browser ## Run only the journeys in Chromium
	@$(PYTEST) -m browser

browser:
	@command -v chromium >/dev/null && fc-list :lang=zh-tw 2>/dev/null | grep -q . \
		|| .ci/need chromium fonts-noto-cjk

figures: .venv/.dev setup ## Print what an entity costs, statements per page and at start-up, thread leaks
	@PYTHONPATH=. PORTAL_TEST_DATABASE=sqlite .venv/bin/python tests/figures.py

bench: bench-face bench-server ## Measure what pages cost, on a desk and at the server, into docs/benchmarks.md

bench-face: .venv/.dev setup browser ## Measure what pages cost a slow desk
	@.venv/bin/python -m tests.journeys.bench

bench-server: .venv/.bench setup ## Measure the server on what make big made: make bench-server ROUNDS=5 ONLY=list,search
	@.venv/bin/python -m tests.bench

big: setup ## Make a department of ten years in var/big and on PostgreSQL: make big TICKETS=100000 BIG=sqlite
	@.venv/bin/python -m tests.big $(if $(TICKETS),--tickets $(TICKETS)) $(if $(BIG),--on $(BIG))

pictures: .venv/.dev setup browser ## Take the pictures of docs/pictures anew
	@.ci/need chromium-l10n
	@.venv/bin/python -m tests.journeys.pictures

# ---------------------------------------------------------------- checks

lint: .venv/.dev ## Check style and layout with ruff
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check

types: .venv/.dev ## Check types with mypy
	@.venv/bin/mypy

floors: .venv/.dev ## Check that no room imports a room above it
	@.venv/bin/lint-imports --no-logo

i18n: .venv/.dev ## Gather the texts into the catalogs and check these
	@.venv/bin/python translations/check.py extract
	@.venv/bin/python translations/check.py update
	@.venv/bin/python translations/check.py compile
	@.venv/bin/python translations/check.py check

i18n-check: .venv/.dev ## Check the catalogs without changing them
	@.venv/bin/python translations/check.py check

# A database of its own, brought up to the last migration: whatever stands in var/ plays no part.
SCRATCH = folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	export PORTAL_DATA_DIR="$$folder" PORTAL_DATABASE_URL= PORTAL_LOG_LEVEL=WARNING && $(FLASK) db upgrade

migrations: setup ## Check that the migrations make exactly the tables of the models
	@$(SCRATCH) && $(FLASK) db check

migration: setup .venv/.dev ## Write a migration for what changed in the models: make migration m="visitor badges"
	@$(SCRATCH) && next=$$(ls migrations/versions/[0-9]*.py | wc -l) && \
	$(FLASK) db migrate --rev-id "$$(printf %04d $$((next + 1)))" -m "$(m)"
	@.venv/bin/ruff check -q --fix migrations; .venv/bin/ruff format -q migrations

# ---------------------------------------------------------------- housekeeping

format: .venv/.dev ## Lay out the code and mend what ruff can mend
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

hooks: .venv/.dev ## Let git run the checks before each commit
	@.venv/bin/pre-commit install

lock: .venv/.dev ## Renew the lock files from requirements*.in and package.json
	@$(UV_COMPILE) requirements.in -o requirements.txt
	@$(UV_COMPILE) requirements-dev.in -o requirements-dev.txt
	@$(UV_COMPILE) requirements-bench.in -o requirements-bench.txt
	@$(UV_COMPILE) requirements-node.in -o requirements-node.txt
	@$(NPM) install --package-lock-only

clean: ## Remove what was installed and cached; the data in var/ stays
	@rm -rf .venv node_modules app/static/vendor .hypothesis .import_linter_cache .mypy_cache \
		.pytest_cache .ruff_cache .vendor
	@find app tests translations migrations seed -name __pycache__ -prune -exec rm -rf {} +
	@rm -f translations/*/LC_MESSAGES/*.mo

# ---------------------------------------------------------------- what is installed, and when again

.venv/bin/python:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		"$$python" -c 'import ensurepip' 2>/dev/null || { \
			echo "$$python cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; \
			exit 1; }; \
		"$$python" -m venv .venv; exit; \
	done; \
	echo "The portal needs Python 3.11 or newer; none was found. Name it: make setup PYTHON=/path/to/python3" >&2; \
	exit 1

.venv/.runtime: requirements.txt | .venv/bin/python
	@echo "Installing the Python packages of $< ..."
	@$(PIP) $<
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.runtime
	@echo "Installing the Python packages of $< ..."
	@$(PIP) $<
	@touch $@

# Apart from what tests need: what the portal is only measured beside never stands in a tested portal's way.
.venv/.bench: requirements-bench.txt .venv/.dev
	@echo "Installing the Python packages of $< ..."
	@$(PIP) $<
	@touch $@

node_modules: package-lock.json | .venv/bin/python
	@node -e 'process.exit(+(parseInt(process.versions.node) < 18))' 2>/dev/null \
		&& command -v npm >/dev/null \
		|| { echo "Installing Node.js into .venv ..."; $(PIP) requirements-node.txt; }
	@echo "Installing the front-end packages of $< ..."
	@$(NPM) ci >/dev/null
	@touch $@

app/static/vendor: node_modules Makefile purgecss.config.cjs $(NAMING)
	@rm -rf .vendor && mkdir .vendor
	@$(NODE) node_modules/.bin/purgecss --config purgecss.config.cjs --output .vendor
	@cp $(addprefix node_modules/,$(ASSETS)) .vendor
	@rm -rf $@ && mv .vendor $@
