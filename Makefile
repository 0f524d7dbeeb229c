# make demo    a picture dragged: look at out/demo/sheet.png
# make test    every test that this machine can run
# make check   test, and what ruff and mypy say
# make model   the practice model trained anew, with its page's pictures: hours
#
# PYTHON=python3.12 chooses the interpreter (3.11 or later), PIP_FLAGS=... is handed to pip: give it the
# package index of PyTorch's CPU builds to spare the download of the CUDA libraries.

PYTHON ?= python3
VENV ?= .venv
PIP_FLAGS ?=
BIN := $(VENV)/bin

RUN ?= runs/practice
MODEL := engine/models/default.safetensors

.PHONY: demo test check lint model clean

demo: $(VENV)/installed
	$(BIN)/draglayer demo --out out/demo

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest

check: test lint

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

model: $(VENV)/installed
	$(BIN)/python -m training.keypoints
	$(BIN)/python -m training.train --out $(RUN)
	$(BIN)/python -m training.export --run $(RUN) --out $(MODEL) --feature-block 32 --rows 5
	$(BIN)/python -m training.encoder --model $(MODEL)
	$(BIN)/python -m training.frechet --run $(RUN)
	$(BIN)/python -m training.curve --run $(RUN) --out docs/images/training.svg
	$(BIN)/python -m training.sheets --out docs/images/samples.jpg
	$(BIN)/python -m training.factors --out docs/images/factors.jpg

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt -e .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) out build dist
