# `make results` and `make test` do everything on a fresh machine with Python 3.11 or newer.
# CONTRIBUTING.md says what the other targets need.
PYTHON ?= python3
VENV   ?= .venv
CORES  ?= all

# Modules of the environment's Python, not its scripts: those name it in their first line, where a long path, or one
# with spaces, does not fit.
PY     := "$(VENV)/bin/python"
PIP    := $(PY) -m pip install --quiet --disable-pip-version-check
PYTEST := $(PY) -m pytest
TESTS  := $(PYTEST) -n 2 --dist worksteal

# Compiled modules are kept, also where the machine says not to: some hundreds of processes would each compile the package.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: results check test test-portable test-old test-avx2 test-alone test-docs test-conda test-cluster docs hooks clean lint \
        formats types

results: $(VENV)/ready
	$(PY) -m snakemake --cores $(CORES)

# Before each commit: a minute on two cores.
check: lint
	$(TESTS) -m "not slow and not network and not browser" tests/unit

# The pipeline first: while one process makes the run that its tests look at, the other has all the unit tests.
test: lint
	$(TESTS) tests/pipeline tests/unit tests/libraries

lint: $(VENV)/ready-test
	@$(MAKE) --no-print-directory --jobs 2 types formats

formats:
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m snakefmt --check Snakefile rules workflow/Snakefile

types:
	$(PY) -m mypy

# As on processors that round otherwise, each with another seed: no test may rest on what one training gives. `make -k`
# goes on after one that fails.
OLD   := ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 MKL_CBWR=COMPATIBLE OPENBLAS_CORETYPE=Nehalem
AVX2  := ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_CBWR=AVX2 OPENBLAS_CORETYPE=Haswell
ALONE := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

test-portable: test-old test-avx2 test-alone

test-old: $(VENV)/ready-test
	$(OLD) ANDOR_TEST_SEED=0 $(TESTS) tests/pipeline tests/unit tests/libraries

test-avx2: $(VENV)/ready-test
	$(AVX2) ANDOR_TEST_SEED=1 $(TESTS) tests/pipeline tests/unit tests/libraries

test-alone: $(VENV)/ready-test
	$(ALONE) ANDOR_TEST_SEED=2 $(TESTS) tests/pipeline tests/unit tests/libraries

test-docs: $(VENV)/ready-test docs
	$(PYTEST) -m docs tests/pipeline

test-conda: $(VENV)/ready-test
	$(PYTEST) -m conda tests/pipeline

test-cluster: $(VENV)/ready-test
	$(PIP) -r requirements-slurm.txt
	$(PYTEST) -m cluster tests/pipeline

# The site, in site/.
docs: $(VENV)/ready
	$(PYTHON) -m venv "$(VENV)/docs"
	"$(VENV)/docs/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	"$(VENV)/docs/bin/python" -m mkdocs build --strict --quiet

hooks: $(VENV)/ready-test
	$(PY) -m pre_commit install

$(VENV)/ready: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv "$(VENV)"
	$(PIP) -r requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	touch "$@"

$(VENV)/ready-test: $(VENV)/ready requirements-test.txt
	$(PIP) -r requirements-test.txt
	touch "$@"

# Fetched sources and masked outputs (.cache) stay; they are what took long.
clean:
	rm -rf results logs
