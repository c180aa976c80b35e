# make demo   a study of the demo model, a bank and a report, in out/demo
# make test   style, types and tests; make test-all: also those marked long
# Both set up .venv by themselves. PYTHON chooses the interpreter, TORCH the torch to install.

PYTHON ?= python3
TORCH ?= torch==2.13.0
BIN := .venv/bin
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
endif

.PHONY: demo test test-all check clean

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet --editable .
	$(BIN)/python -c "open('.venv/ready', 'w').close()"

.venv/ready-to-test: .venv/ready
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	$(BIN)/python -c "open('.venv/ready-to-test', 'w').close()"

demo: .venv/ready
	$(BIN)/goodseed study --generator demo --seeds 0-31 --out out/demo --name demo-small
	$(BIN)/goodseed report out/demo --out out/demo/report.html
	$(BIN)/goodseed pick out/demo/demo-small.safetensors --rule rank-sum -k 3

check: .venv/ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tests.web_types

test: check
	$(BIN)/python -m tests.tiers

test-all: check
	$(BIN)/python -m tests.tiers --all

clean:
	rm -rf .venv out
