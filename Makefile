# make run    the whole of Preceptor on this machine, at http://127.0.0.1:8000 (PORT=... for another port)
# make test   all tests, in a real PostgreSQL and a real browser
# make lint   style, types and the direction of imports
# make words  gather the texts to be translated into locale/*/LC_MESSAGES/django.po
# make picture   the README's picture, from a running demo
# make lock   pin the dependencies again (after a change of requirements*.in)

# Compiled modules are kept even where the shell says otherwise: each process would have to compile all of them again.
export PYTHONDONTWRITEBYTECODE =

PYTHON = python3
BIN = .venv/bin

run: .venv/run.stamp
	@$(BIN)/python -m config.messages compile
	@exec $(BIN)/python -m config.run

test: .venv/dev.stamp browser
	@$(BIN)/python -m config.messages compile
	$(BIN)/python -m pytest -n auto $(ARGS)

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

browser: .venv/dev.stamp
	@$(BIN)/python -m tests.house.chromium

# The environment is made once and brought up to date when a lock file changes. `make run` needs only the first.
.venv/run.stamp: .venv/made.stamp requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev.stamp: .venv/made.stamp requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ .venv/run.stamp

.venv/made.stamp: .python-version
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null || { \
	  echo "Preceptor needs Python 3.12 or newer, and $(PYTHON) is not: $$($(PYTHON) --version 2>&1)."; \
	  echo "Say which to use: make PYTHON=python3.13 ..."; exit 1; }
	$(PYTHON) -m venv --clear .venv
	@touch $@

# uv only makes the lock files, in an environment of its own; installing needs nothing but pip.
LOCK = .venv/lock/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-annotate \
  --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

lock: .venv/made.stamp
	@test -x .venv/lock/bin/uv || { $(PYTHON) -m venv .venv/lock && .venv/lock/bin/python -m pip install --quiet uv; }
	$(LOCK) $(ARGS) -o requirements.txt requirements.in
	$(LOCK) $(ARGS) -c requirements.txt -o requirements-dev.txt requirements-dev.in

picture: browser
	$(BIN)/python -m tests.picture

words: .venv/run.stamp
	@$(BIN)/python -m config.messages extract

.PHONY: run test lint lock browser picture words
