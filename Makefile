# `make test` and `make demo` run in .venv, which the first of them makes.
PYTHON ?= python3
RUN := .venv/bin/python

# The stamp's name tells what .venv was installed from, so that neither a
# fresh checkout's times nor a change elsewhere installs it again.
SHA256 := import hashlib, sys; \
  print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())
STAMP := .venv/installed-$(shell \
  (pwd; cat requirements/lock.txt setup.py) | $(PYTHON) -c '$(SHA256)')

# No release of the pinned numpy or scikit-image serves an older Python.
CHECK := import sys; (3, 11) <= sys.version_info[:2] <= (3, 12) or sys.exit( \
  "requirements/lock.txt is for Python 3.11 and 3.12, and $(PYTHON) is " \
  + sys.version.split()[0] + ": name another, as in `make PYTHON=python3.11" \
  " test`, or install with `pip install -e .[lite,test]` (3.9 and later).")

.PHONY: venv lint test test-slow test-faults demo docs

venv: $(STAMP)

$(STAMP):
	@$(PYTHON) -c '$(CHECK)'
	@echo 'Installing requirements/lock.txt into .venv (some 5 GB, minutes).'
	[ -x $(RUN) ] || $(PYTHON) -m venv .venv
	$(RUN) -m pip install -q -r requirements/lock.txt
	$(RUN) -m pip install -q --no-deps --no-build-isolation -e .
	rm -f .venv/installed-*
	touch $@

lint: venv
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

test: venv
	$(RUN) -m pytest -n 2

test-slow: venv
	$(RUN) -m pytest -n 2 -m slow

test-faults: venv
	$(RUN) -m pytest -rP -m faults

demo: venv
	$(RUN) tools/demo.py

docs: venv
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict
