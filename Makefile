# Development tasks: make demo, make test, make check, make bench.
# Each sets up what it needs in .venv, once; needs only Python >= 3.11, git and make.
# Pass words on with ARGS:  make test ARGS="-k announce -x"

PY := .venv/bin/python
ARGS ?=
SECONDS ?= 300
AT ?= $(shell date -u +%Y-12-31) 23:59:58
# Two for each of two cores: half of a test is waiting for a timer or another process. With three, some wait too long.
WORKERS ?= 4

.DEFAULT_GOAL := help
.PHONY: help demo test test-at unit check bench fuzz mutate audit run doctor lock catalogue reference docs release image-steps clean _format _lint _types _imports _reference _wording

# A .venv whose Python has gone, or that came along when this folder was moved, is created again.
_stale := $(shell [ -x $(PY) ] && [ "$$(cat .venv/.at 2>/dev/null)" = "$$(pwd -P)" ] || rm -f .venv/.stamp-run .venv/.stamp-dev)

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## /\1	/p' Makefile | while IFS='	' read -r name words; do printf '  make %-12s %s\n' "$$name" "$$words"; done

demo: .venv/.stamp-run ## the real bot against a fake Slack and a fake Applivery, in the browser; no account needed
	@$(PY) -m sandbox $(ARGS)

test: .venv/.stamp-dev ## all tests; each skip says what is missing and how to get it
	@$(PY) -m pytest -n $(WORKERS) $(ARGS)

# PostgreSQL and a browser have clocks of their own.
test-at: .venv/.stamp-dev ## the tests of commands, services, workers and rules as at another moment (UTC): AT="2027-01-01 23:59:59"
	@$(PY) -m pytest -n $(WORKERS) -p tests.support.moment --at "$(AT)" -m "not browser and not postgres" \
		tests/unit/domain tests/unit/slack tests/integration/commands tests/integration/services tests/integration/web \
		tests/integration/workers $(ARGS)

unit: .venv/.stamp-dev ## the tests without I/O, in seconds
	@$(PY) -m pytest -n 2 -q --hypothesis-profile=quick tests/unit $(ARGS)

check: .venv/.stamp-dev ## format, lint, types, import direction, current generated pages, banned phrases
	@$(MAKE) --no-print-directory --keep-going _format _lint _types _imports _reference _wording

_format:
	$(PY) -m ruff format --check .
_lint:
	$(PY) -m ruff check .
_types:
	$(PY) -m mypy
_imports:
	.venv/bin/lint-imports --no-logo
_reference:
	$(PY) -m tools.reference --check
_wording:
	$(PY) -m tools.wording

bench: .venv/.stamp-dev ## speed and size, next to a bare Bolt app
	@$(PY) -m bench $(ARGS)

fuzz: .venv/.stamp-dev ## fuzz test with invalid input for SECONDS=300; prints its seed, ARGS="--seed N" repeats it
	@$(PY) -m tests.fuzz --seconds $(SECONDS) $(ARGS)

mutate: .venv/.stamp-dev ## which of a few small changes of the code its tests do not notice; ARGS="--sample 20 bot/domain"
	@$(PY) -m tools.mutate $(ARGS)

audit: .venv/.stamp-dev ## whether a pinned release has a known weakness; tools/audit-ignore.txt lets one stand for a while
	@$(PY) tools/audit.py

run: .venv/.stamp-run ## the bot itself, with the settings in .env
	@exec $(PY) -m bot run $(ARGS)

doctor: .venv/.stamp-run ## check the settings in .env and everything they lead to; print the fix of each fault
	@$(PY) -m bot doctor $(ARGS)

lock: .venv/.stamp-dev ## regenerate the lock files from pyproject.toml; ARGS=--upgrade takes newer releases
	@sh tools/lock.sh $(ARGS)
	@$(MAKE) --no-print-directory .venv/.stamp-dev

catalogue: .venv/.stamp-dev ## collect the sentences for the translators, into bot/i18n/locales/
	@$(PY) -m tools.catalogue

reference: .venv/.stamp-dev ## write docs/reference/ and .env.example from the code
	@$(PY) -m tools.reference

docs: .venv/.stamp-dev ## build the documentation as a site, in build/docs
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet
	@echo "docs: build/docs/index.html"

release: .venv/.stamp-dev ## build the wheel, SBOM, image and checksums in dist, signed when RELEASE_KEY names a GPG key
	@PYTHON=$(PY) sh tools/release.sh

image-steps: .venv/.stamp-dev ## what the Dockerfile does, here: a program folder without build tools in build/image
	@PYTHON=$(PY) sh tools/image_steps.sh all build/image

clean: ## remove what make created; the demo's data stays, in .demo
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage htmlcov

.venv/.stamp-run: requirements-build.lock requirements.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh run

.venv/.stamp-dev: requirements-build.lock requirements-dev.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh dev
