# `make demo` and `make test` need git, make and Python >= 3.11 with venv; everything else they install themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
PEERS_READY := $(VENV)/.peers
# More arguments for pytest, as in: make test PYTEST_ARGS="-k ledger -x"
PYTEST_ARGS ?=
# How many processes run the tests, each with a Firebird server of its own; tests of one file that share a site stay together. Four more than
# there are cores: they wait for servers and brokers half of the time.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 4)
# The same for the measurements: make bench BENCH_ARGS="apply --rows 20000 --rounds 5"
BENCH_ARGS ?=
step = @printf '\n== %s\n' "$(1)"

.DEFAULT_GOAL := help
.PHONY: help demo demo-kafka test durations coverage bench bench-peers lint format lock texts clean system-demo system-demo-kafka system-test
# Steps follow one another even under make -j: their output is read.
.NOTPARALLEL:
.DELETE_ON_ERROR:

help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: system-demo $(READY) ## runs the demonstration: a SAE, three CAJAs and changes that arrive
	@$(BIN)/puente demo

demo-kafka: system-demo-kafka $(READY) ## the same over a Kafka broker, which it starts and stops
# In a folder of its own, for its broker ends with it: the site that make demo left goes on working.
	@$(BIN)/python tools/kafka-broker run -- $(BIN)/puente demo --kafka {servers} --folder puente-demo-kafka
	@printf '\nThat broker has stopped. With one that stays: puente demo --kafka HOST:PORT\n'

# Also where Python is told to write no bytecode.
AHEAD = ( export PYTHONDONTWRITEBYTECODE=; $(BIN)/python -m compileall -q foundation schemas producer consumer puente; \
	$(BIN)/pytest --collect-only -qq $(if $(PUENTE_TEST_KAFKA),,; $(BIN)/python tools/kafka-broker fetch) )

# Meanwhile, on another core, what no test's time limit should count is downloaded, and the tests are compiled: each worker would do that anew.
test: system-test $(READY) ## everything CI runs: lint, then all tests
	@$(AHEAD) >$(VENV)/ahead.log 2>&1 & $(MAKE) --no-print-directory lint && wait
	$(call step,pytest)
	$(if $(PUENTE_TEST_KAFKA),,@$(BIN)/python tools/kafka-broker fetch)
# In the order of tests/durations.py.
	@$(BIN)/pytest --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder $(PYTEST_ARGS)

durations: PYTEST_ARGS += --keep-durations
durations: test ## the same, and notes how long each file of tests takes: the longest begin first

# Not in CI: the tracer makes the tests of the pure parts three times as slow.
coverage: PYTEST_ARGS += --cov --cov-report=term
coverage: test ## the same with branch coverage

bench: system-test $(READY) ## measures Puente on real engines: a table, and JSON in bench/results
	@$(BIN)/python -m bench $(BENCH_ARGS)

bench-peers: system-test $(PEERS_READY) ## measures Puente beside Debezium's JDBC sink and others: a page, JSON and pictures
	@$(BIN)/python -m bench.peers $(BENCH_ARGS)

# What pip cannot install is looked for first: waiting for the environment only to learn that a library is missing is no fun.
system-demo system-demo-kafka system-test: system-%:
	@$(PYTHON) tools/system-packages $*

lint: $(READY) ## ruff, mypy and the import contracts
	$(call step,ruff check)
	@$(BIN)/ruff check
	$(call step,ruff format --check)
	@$(BIN)/ruff format --check
	$(call step,mypy)
	@$(BIN)/mypy
	$(call step,lint-imports)
	@$(BIN)/lint-imports

format: $(READY) ## formats the code and repairs what ruff can
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

# Click's own words are in the catalogue, too: they are shown by the same gettext domain. Texts in f-strings are found in the syntax tree.
TEXTS := foundation/locale/es/LC_MESSAGES/puente
texts: $(READY) ## gathers the texts for the Spanish catalogue and compiles it
	@PYTHONPATH=. $(BIN)/pybabel --quiet extract --mapping-file tools/babel.cfg --no-location --no-wrap --sort-output \
		--keywords "text translate marked debug info warning error exception critical" --output-file $(VENV)/puente.pot \
		foundation schemas producer consumer puente $(VENV)/lib/python3*/site-packages/click
	@$(BIN)/pybabel --quiet update --no-fuzzy-matching --no-wrap --ignore-obsolete --ignore-pot-creation-date --input-file $(VENV)/puente.pot --locale es --output-file $(TEXTS).po
	@$(BIN)/pybabel --quiet compile --input-file $(TEXTS).po --output-file $(TEXTS).mo

# uv is no dependency of the project: it comes into an environment of its own, for this target alone. Extras stay in the lock: where a package
# asks for another with one, pip takes a pin without it for none, and refuses as soon as a newer version is published.
lock: ## resolves requirements.lock again, to the newest versions that pyproject.toml allows, and that of bench-peers
	@$(PYTHON) -m venv $(VENV)-lock
	@$(VENV)-lock/bin/pip install --quiet uv
	@$(VENV)-lock/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --upgrade --generate-hashes --no-strip-extras \
		--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet --output-file requirements.lock
	@$(VENV)-lock/bin/uv pip compile bench/peers/requirements.in --constraint requirements.lock --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-strip-extras --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet \
		--output-file bench/peers/requirements.lock
	@rm -rf $(VENV)-lock

clean: ## removes the environment and what the tools leave
	@rm -rf $(VENV) $(VENV)-lock .kafka build dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(LOCKED): requirements.lock
	$(call step,environment from requirements.lock)
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Puente needs Python >= 3.11; name one with: make PYTHON=python3.11")'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(READY): $(LOCKED) pyproject.toml
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(PEERS_READY): $(READY) bench/peers/requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r bench/peers/requirements.lock
	@touch $@
