# Everything that is done with this project starts here:
#   make run | install | serve | test | check | soak | crowd | bench | rehearse | messages | screenshots | lock | clean
#
# Needs Python 3.11 or newer (PY=python3.12 make … picks another one) and make. Set in the environment or on the command line:
#   PORT         where the portal listens on this machine (8000)
#   VAR_DIR      where the database and the collected static files live (var)
#   REQUIRE_ALL  1: `make test` and `make check` fail instead of skipping what needs a program that is missing
#   ROUNDS, CLIENTS, SEED, DATABASE  of `make soak` (10, 6, a new one each time, both); REQUESTS, CLIENTS of `make crowd` (4000, 200)
#   ONLY         names of the pictures that `make screenshots` is to take (all), such as "sign-in order*"
#   JOBS         how many processes run the tests (as many as processors)
PY ?= python3
PORT ?= 8000
VAR_DIR ?= var
REQUIRE_ALL ?= 0
ROUNDS ?= 10
CLIENTS ?= 6
REQUESTS ?= 4000
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
export PORT VAR_DIR REQUIRE_ALL

BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
PYTEST := $(BIN)/pytest -q -n $(JOBS)
INSTALL := $(BIN)/uv pip install -q --no-config --python $(BIN)/python --require-hashes --only-binary :all:

.DEFAULT_GOAL := run
.PHONY: run install serve test check soak crowd bench bench-browser rehearse messages screenshots lock clean
.PHONY: check-format check-lint check-templates check-types check-layers check-django check-translations

run: .venv/.prod $(VAR_DIR)/.static
	@$(MANAGE) compile_catalogues
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) createcachetable --verbosity 0
	@$(MANAGE) demo --if-empty
	@echo "MCA portal: http://127.0.0.1:$(PORT)/  (Ctrl-C stops it)"
	@exec $(BIN)/gunicorn mca_portal.wsgi

# All that a version needs before it is started: packages, translations, static files.
install: .venv/.prod $(VAR_DIR)/.static
	@$(MANAGE) compile_catalogues

# The server alone, as in production: gunicorn.conf.py says how. The database is there and migrated already.
serve: install
	@exec $(BIN)/gunicorn mca_portal.wsgi

test: .venv/.dev
	$(PYTEST) -m "not browser" --cov --cov-report=term
	$(BIN)/python tests/with_postgresql.py --or-skip $(PYTEST) -m "not browser" --ignore tests/guards
	$(PYTEST) -m browser -rs
	$(MANAGE) check_catalogues

# Independent of each other, so that they share the processors.
check: .venv/.dev
	@$(MAKE) --no-print-directory --output-sync=target --keep-going --jobs $(JOBS) \
	  check-types check-django check-translations check-layers check-templates check-lint check-format
	@echo "make check: all well"

check-format:
	$(BIN)/ruff format --check --quiet .
check-lint:
	$(BIN)/ruff check --quiet .
check-templates:
	find templates -name '*.html' | xargs --no-run-if-empty $(BIN)/djade --check --target-version 5.2
check-types: export VAR_DIR := $(VAR_DIR)/check
check-types:
	$(BIN)/mypy
check-layers:
	$(BIN)/lint-imports --no-logo
check-django: export VAR_DIR := $(VAR_DIR)/check
check-django:
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) check --fail-level WARNING
check-translations: export VAR_DIR := $(VAR_DIR)/check
check-translations:
	$(MANAGE) check_catalogues

# Kill the server again and again while people work, and check every record. DATABASE=sqlite or postgresql; without it on both.
soak: .venv/.dev
	$(MANAGE) compile_catalogues
	$(BIN)/python -m tests.soak --rounds $(ROUNDS) --clients $(CLIENTS) $(if $(SEED),--seed $(SEED)) $(if $(DATABASE),--database $(DATABASE))

# Every command of docs/operations.md, in its order, on folders and a database of its own.
rehearse: .venv/.dev
	$(BIN)/python tests/operations/rehearsal.py

# Two hundred people at once, every write there once, memory flat. REQUESTS, CLIENTS, DATABASE.
crowd: CLIENTS = 200
crowd: .venv/.dev
	$(MANAGE) compile_catalogues
	$(BIN)/python -m tests.soak.crowd --clients $(CLIENTS) --requests $(REQUESTS) $(if $(SEED),--seed $(SEED)) $(if $(DATABASE),--database $(DATABASE))

messages: .venv/.dev
	$(MANAGE) update_catalogues
	$(MANAGE) update_reference

# About a quarter of an hour on two processors. BENCH: its options, such as "--postgresql 10000 --sqlite ''".
bench: .venv/.dev
	$(MANAGE) compile_catalogues
	$(BIN)/python -m tests.bench --report docs/performance.md $(BENCH)

bench-browser: .venv/.dev
	$(MANAGE) compile_catalogues
	$(BIN)/python -m tests.bench.browser

screenshots: .venv/.dev
	$(BIN)/python -m tests.browser.screenshots docs/screenshots $(foreach name,$(ONLY),'$(name)')

# Packages are named in pyproject.toml; the locks name every file by its hash and no place to get it from.
# UPGRADE=--upgrade takes the newest versions that pyproject.toml allows.
LOCK = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --only-binary :all: --no-header --no-annotate \
  --no-config --no-emit-index-url --no-emit-find-links $(UPGRADE)
lock: .venv/.uv
	echo uv | $(LOCK) - -o requirements/uv.txt
	$(LOCK) pyproject.toml -o requirements/prod.txt
	$(LOCK) pyproject.toml --group dev -c requirements/prod.txt -o requirements/dev.txt

# Not the database: that is yours (VAR_DIR).
clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov $(VAR_DIR)/check $(VAR_DIR)/static $(VAR_DIR)/.static
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -f mca_portal/locale/*/LC_MESSAGES/*.mo

.venv/.uv: requirements/uv.txt
	rm -rf .venv && $(PY) -m venv .venv && $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r $< && touch $@
.venv/.prod: requirements/prod.txt .venv/.uv
	$(INSTALL) -r $< && touch $@
.venv/.dev: requirements/dev.txt .venv/.uv
	$(INSTALL) -r $< && touch $@ .venv/.prod
$(VAR_DIR)/.static: .venv/.prod $(shell find static -type f)
	@$(MANAGE) collectstatic --noinput --clear --verbosity 0 && touch $@
