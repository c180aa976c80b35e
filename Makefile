# make demo   a study of the demo model, a bank and a report, in out/demo
# make test   style, types and tests; make test-all: also those marked long
# make test-metrics   the loaders of metrics' weights, in .venv-metrics, where torch and torchvision fit each other
# Both set up .venv by themselves. PYTHON chooses the interpreter, TORCH the torch to install.

PYTHON ?= python3
TORCH ?= torch==2.13.0
METRICS_TORCH ?= torch==2.11.0 torchvision==0.26.0
SCRIPTS := bin
ifeq ($(OS),Windows_NT)
SCRIPTS := Scripts
endif
BIN := .venv/$(SCRIPTS)
METRICS_BIN := .venv-metrics/$(SCRIPTS)

.PHONY: demo test test-all test-metrics check clean

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

.venv-metrics/ready: pyproject.toml
	$(PYTHON) -m venv .venv-metrics
	$(METRICS_BIN)/python -m pip install --quiet --upgrade pip
	$(METRICS_BIN)/python -m pip install --quiet $(METRICS_TORCH)
	$(METRICS_BIN)/python -m pip install --quiet --editable ".[metrics]" pytest
	$(METRICS_BIN)/python -c "open('.venv-metrics/ready', 'w').close()"

test-metrics: .venv-metrics/ready
	$(METRICS_BIN)/python -m pytest tests/library/test_metrics_networks.py

clean:
	rm -rf .venv .venv-metrics out
