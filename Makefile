# The same as dev.py, which needs no make. PYTHON=python3.12 chooses the interpreter, VENV=dir the environment,
# DEMO=dir where the demo goes.
PYTHON ?= python3
DEMO ?= demo
VENV ?= .venv
export VENV

.PHONY: help demo test check slow lowest bench goldens

help:
	@$(PYTHON) dev.py || true

demo:
	$(PYTHON) dev.py demo "$(DEMO)"

test check slow lowest bench goldens:
	$(PYTHON) dev.py $@
