# `make results` and `make test` do everything on a fresh machine with Python 3.11 or newer.
PYTHON ?= python3
VENV   ?= .venv
CORES  ?= all

.PHONY: results test clean

results: $(VENV)/ready
	$(VENV)/bin/snakemake --cores $(CORES)

test: $(VENV)/ready-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/snakefmt --check Snakefile rules workflow/Snakefile
	$(VENV)/bin/pytest -n 2 --dist worksteal tests/unit
	$(VENV)/bin/pytest tests/pipeline

$(VENV)/ready: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/ready-test: $(VENV)/ready requirements-test.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements-test.txt
	touch $@

# Fetched sources and masked outputs (.cache) stay; they are what took long.
clean:
	rm -rf results logs
