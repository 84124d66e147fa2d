# `make results` and `make test` do everything on a fresh machine with Python 3.11 or newer.
# CONTRIBUTING.md says what the other targets need.
PYTHON ?= python3
VENV   ?= .venv
CORES  ?= all

.PHONY: results test test-docs test-conda test-cluster docs hooks clean

results: $(VENV)/ready
	$(VENV)/bin/snakemake --cores $(CORES)

test: $(VENV)/ready-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/snakefmt --check Snakefile rules workflow/Snakefile
	$(VENV)/bin/mypy
	$(VENV)/bin/pytest -n 2 --dist worksteal tests/unit
	$(VENV)/bin/pytest -n 2 --dist worksteal tests/pipeline

test-docs: $(VENV)/ready-test docs
	$(VENV)/bin/pytest -m docs tests/pipeline

test-conda: $(VENV)/ready-test
	$(VENV)/bin/pytest -m conda tests/pipeline

test-cluster: $(VENV)/ready-test
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements-slurm.txt
	$(VENV)/bin/pytest -m cluster tests/pipeline

# The site, in site/.
docs: $(VENV)/ready
	$(PYTHON) -m venv $(VENV)/docs
	$(VENV)/docs/bin/pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	$(VENV)/docs/bin/mkdocs build --strict --quiet

hooks: $(VENV)/ready-test
	$(VENV)/bin/pre-commit install

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
