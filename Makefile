# A newcomer needs two of these: `make demo` and `make test`. Everything sets itself up first (.ci/setup).
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo run-dev lab notebooks test check format proto test-slow test-chaos-strategies bench bench-peers bench-live screenshots lock clean clean-all

PYTHON := .venv/bin/python
CODE := workbench strategies tests live
# One more than the usual two cores, since many tests wait for other processes; kernels are cached on disk and shared.
WORKERS ?= 3
# nautilus_trader cannot do with pandas 3, and vectorbt not without: each gets an environment, apart from the workbench.
PEERS := nautilus_trader==1.231.0 backtesting==0.6.6 'pandas<3'
SWEEPING_PEERS := vectorbt==1.2.0 vectorbt-rust==1.2.0
# Only what PyPI itself serves may get into the lock.
PLAIN_UV := env -u UV_INDEX -u UV_INDEX_URL -u UV_DEFAULT_INDEX -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS
COMPILE := pip compile --quiet --python $(PYTHON) --universal --python-version 3.13 --generate-hashes --no-header $(UPGRADE)

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## make .venv from requirements.lock (all others do this by themselves)
	@.ci/setup

demo: setup  ## backtests, the chaos strategies with controls on and off, then the live engine, killed and recovered
	@.venv/bin/workbench demo $(ARGS)

run-dev: setup  ## the trading engine, with what is in config/ and simulated exchanges, until Ctrl-C; uncertified strategies may start
	@REQUIRE_CERTIFICATE=$${REQUIRE_CERTIFICATE:-false} $(PYTHON) -m live

lab: setup  ## JupyterLab with the kernel, the notebooks and the dashboards, until Ctrl-C
	@.venv/bin/workbench lab $(ARGS)

notebooks: setup  ## run the notebooks top to bottom and keep their outputs (NOTEBOOKS=notebooks/05_risk.ipynb for one)
	@$(PYTHON) -m workbench.notebook.refresh $(or $(NOTEBOOKS),$(sort $(wildcard notebooks/*.ipynb)))

test: check  ## formatting, lint, types, room plan, then the whole test suite
	@$(PYTHON) -c 'import workbench as wb; wb.backtest("strategies/sma_cross.py", "sp500", progress=False)'  # compiles once, not in each worker
	@$(PYTHON) -m pytest -n $(WORKERS) --dist worksteal --benchmark-disable -m "not slow" $(ARGS)

check: setup  ## formatting, lint, types and the room plan, without running anything
	@.venv/bin/ruff format --check --quiet $(CODE) || { echo "run 'make format'" >&2; exit 1; }
	@.venv/bin/ruff check --quiet $(CODE)
	@.venv/bin/mypy --no-error-summary $(CODE)
	@.venv/bin/lint-imports --no-logo

format: setup  ## format the code and sort its imports
	@.venv/bin/ruff check --quiet --fix-only $(CODE)
	@.venv/bin/ruff format --quiet $(CODE)

test-slow: setup  ## only the tests marked `slow`
	@$(PYTHON) -m pytest --benchmark-disable -m slow $(ARGS)

test-chaos-strategies: setup  ## only the tests that each chaos strategy is contained
	@$(PYTHON) -m pytest tests/chaos $(ARGS)

bench: setup  ## speed, against peers or a plain loop in the same run
	@$(PYTHON) -m pytest tests/benchmarks --benchmark-enable $(ARGS)

bench-peers: setup  ## the same work in other backtesters, from throw-away environments
	@uv=$$(.ci/setup uv) && folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && trap 'exit 130' INT TERM && \
	"$$uv" venv --quiet --python $(PYTHON) "$$folder/peers" && \
	"$$uv" pip install --quiet --python "$$folder/peers/bin/python" $(PEERS) && \
	"$$uv" venv --quiet --python $(PYTHON) "$$folder/sweeping" && \
	"$$uv" pip install --quiet --python "$$folder/sweeping/bin/python" $(SWEEPING_PEERS) && \
	$(PYTHON) -m tests.benchmarks.peers "$$folder/peers/bin/python" "$$folder/sweeping/bin/python" $(ARGS)

proto: setup  ## make live/api/generated from live/api/trading.proto
	@$(PYTHON) -m grpc_tools.protoc --proto_path=live/api/generated=live/api \
		--proto_path="$$($(PYTHON) -c 'from importlib.resources import files; print(files("grpc_tools") / "_proto")')" \
		--python_out=. --pyi_out=. --grpc_python_out=. live/api/generated/trading.proto

bench-live: setup  ## the live engine: orders a second, latencies, kill switch, restart, memory
	@$(PYTHON) -m tests.benchmarks.bench_live $(ARGS)

screenshots: setup  ## pictures of dashboards and JupyterLab for README and guides, into docs/images (ARGS=research for one)
	@$(PYTHON) -m tests.browser.screenshots $(ARGS)

lock: setup  ## compile requirements.lock from pyproject.toml (UPGRADE=--upgrade takes newer versions)
	@uv=$$(.ci/setup uv) && \
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' | \
		$(PLAIN_UV) "$$uv" --no-config $(COMPILE) --extra all pyproject.toml - -o requirements.lock && \
	echo uv | $(PLAIN_UV) "$$uv" --no-config $(COMPILE) --no-annotate - -o .ci/uv.lock

clean:  ## remove caches and what was built
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks build dist *.egg-info
	@find . -path ./.venv -prune -o -path ./.tools -prune -o -name __pycache__ -type d -exec rm -rf {} +

clean-all: clean  ## also remove .venv and the private uv
	@rm -rf .venv .tools
