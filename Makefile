# `make demo` installs what it needs into .venv, and `make test` and `make docs`
# add what they need; `make test-onedl` has a folder of its own.
PYTHON ?= python3
RUN := .venv/bin/python

LOCKS := requirements
COMMON := $(LOCKS)/runtime.txt $(LOCKS)/tools.txt
LITE := $(COMMON) $(LOCKS)/lite.txt
ONEDL := $(COMMON) $(LOCKS)/onedl.txt $(LOCKS)/test.txt

# $(call stamp,FOLDER,NAME,FILES) is a file whose name tells what was installed
# into the folder from these files, so that neither a fresh checkout's times nor
# a change elsewhere installs it again.
SHA256 := import hashlib, sys; \
  print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())
stamp = $(1)/$(2)-$(shell \
  (pwd; cat setup.py $(3)) | $(PYTHON) -c '$(SHA256)')
DEMO_STAMP := $(call stamp,.venv,demo,$(LITE))
TEST_STAMP := $(call stamp,.venv,test,$(LITE) $(LOCKS)/test.txt)
DOCS_STAMP := $(call stamp,.venv,docs,$(LITE) $(LOCKS)/docs.txt)
ONEDL_STAMP := $(call stamp,.venv-onedl,test,$(ONEDL))

# No release of the pinned numpy or scikit-image serves an older Python.
CHECK := import sys; (3, 11) <= sys.version_info[:2] <= (3, 14) or sys.exit( \
  "requirements/runtime.txt is for Python 3.11 to 3.14, and $(PYTHON) is " \
  + sys.version.split()[0] + ": name another, as in `make PYTHON=python3.11" \
  " test`, or install with `pip install -e .[lite,test]` (3.9 and later).")

# $(call install,FOLDER,FILES) installs the pinned releases and the package.
define install
@$(PYTHON) -c '$(CHECK)'
@echo 'Installing $(2) into $(1) (some 5 GB the first time, minutes).'
[ -x $(1)/bin/python ] || $(PYTHON) -m venv $(1)
$(1)/bin/python -m pip install -q $(addprefix -r ,$(2))
$(1)/bin/python -m pip install -q --no-deps --no-build-isolation -e .
endef

.PHONY: venv lint test test-onedl test-slow test-faults demo docs gpu-check

venv: $(TEST_STAMP)

$(DEMO_STAMP):
	$(call install,.venv,$(LITE))
	rm -f .venv/demo-*
	touch $@

$(TEST_STAMP): $(DEMO_STAMP)
	$(RUN) -m pip install -q -r $(LOCKS)/test.txt
	rm -f .venv/test-*
	touch $@

$(DOCS_STAMP): $(DEMO_STAMP)
	$(RUN) -m pip install -q -r $(LOCKS)/docs.txt
	rm -f .venv/docs-*
	touch $@

$(ONEDL_STAMP):
	$(call install,.venv-onedl,$(ONEDL))
	rm -f .venv-onedl/test-*
	touch $@

lint: $(TEST_STAMP)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

test: $(TEST_STAMP)
	$(RUN) -m pytest -n 2 --dist loadgroup

test-onedl: $(ONEDL_STAMP)
	.venv-onedl/bin/python -m pytest -n 2 --dist loadgroup

test-slow: $(TEST_STAMP)
	$(RUN) -m pytest -n 2 --dist loadgroup -m slow

test-faults: $(TEST_STAMP)
	$(RUN) -m pytest -rP -m faults

demo: $(DEMO_STAMP)
	$(RUN) tools/demo.py $(if $(STEPS),--steps $(STEPS))

docs: $(DOCS_STAMP)
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict

gpu-check: $(TEST_STAMP)
	$(RUN) -m benchmarks.gpu_check
