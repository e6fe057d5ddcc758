# From a bare Python 3.11+ and make: each target sets up .venv first, and again only when what is pinned changes.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready-$(shell cat pyproject.toml requirements/*.txt | cksum | tr ' ' '-')
# Quiet where it works; a person who wants to see what is installed says make INSTALL_FLAGS=.
INSTALL_FLAGS ?= -q
LOCK := $(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	--custom-compile-command "make lock" $(LOCK_FLAGS)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench cards lock docs clean

help:  ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## Create .venv with everything pinned (the other targets do this by themselves).

demo: $(READY)  ## A company's month through the gateway, no key and no network needed; ONCE=1 ends by itself.
	@$(BIN)/farthing demo $(if $(ONCE),--once)

# Four on two cores, since many tests wait for other processes. What pytest compiles is kept, whatever the environment says.
test: $(READY)  ## Run all tests; ARGS="tests/unit -k name" runs some.
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 4 --dist worksteal $(ARGS)

check: $(READY)  ## Lint, formatting, types and the layers of imports.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/python tests/unit/test_architecture.py

format: $(READY)  ## Put the code into its form.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## Run each benchmark in bench/ and sum up; the README's figures come from here.
	@mkdir -p bench/results; failed=0; for script in bench/[a-z]*.py; do \
		name=$$(basename $$script .py); echo "== $$name"; \
		if $(BIN)/python $$script > bench/results/$$name.txt 2>&1; then verdict=ok; else verdict=FAILED; failed=1; fi; \
		cat bench/results/$$name.txt; summary="$$summary  $$verdict  $$name\n"; \
	done; printf "== summary\n$$summary"; exit $$failed

docs: $(READY)  ## Write docs/reference/ again from the code, and the documentation as a site into site/.
	$(BIN)/python tools/reference.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "The site is in site/: open site/index.html"

cards: $(READY)  ## Write the shipped rate cards again from the pinned genai-prices.
	$(BIN)/python tools/cards.py

lock: $(READY)  ## Pin the newest versions that pyproject.toml allows; LOCK_FLAGS="--upgrade" moves all.
	$(LOCK) requirements/bootstrap.in -o requirements/bootstrap.txt
	$(LOCK) pyproject.toml -o requirements/runtime.txt
	$(LOCK) pyproject.toml --all-extras requirements/dev.in -c requirements/runtime.txt -o requirements/dev.txt

clean:  ## Remove .venv and what tools left behind.
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist site

# uv installs in a third of pip's time; where it cannot reach the index that pip is set up for, pip does it alone.
$(READY):
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Farthing needs Python 3.11 or newer: make PYTHON=python3.11"; rm -rf .venv; exit 1; }
	@echo "Setting up .venv, once: half a minute, more on a slow line ..."
	@$(BIN)/pip install $(INSTALL_FLAGS) --require-hashes -r requirements/bootstrap.txt
	@$(BIN)/uv pip install $(INSTALL_FLAGS) --python $(BIN)/python --require-hashes -r requirements/dev.txt || \
		$(BIN)/pip install $(INSTALL_FLAGS) --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install $(INSTALL_FLAGS) --no-deps --no-build-isolation --no-index -e .
	@rm -f .venv/.ready-*; touch $@
