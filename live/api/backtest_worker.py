"""One backtest in a process of its own.  This file is read as text and run by `python -c`, inside the sandbox, where it
finds `workbench` and `live.sandbox` and nothing else of `live`.

Standard input: a job as JSON.  Standard output: {"result": ...} or {"error": "one line"}.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import resource
import shutil
import sys
import tempfile
from types import ModuleType
from typing import Any

_POINTS = 2_000  # of the equity curve
_ROWS = 1_000  # newest fills
_REASONS = 100


def _limit(job: dict[str, Any]) -> None:
    os.nice(10)
    for kind, most in (
        (resource.RLIMIT_AS, int(job["memory_bytes"])),
        (resource.RLIMIT_CPU, int(job["cpu_s"])),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 64 << 20),
        (resource.RLIMIT_NOFILE, 256),
    ):
        resource.setrlimit(kind, (most, most))


def _take_kernels(places: list[str]) -> None:
    """Have the compiled core where a cache can be written to: links to what is there, and room for what is new.

    Links, since a cache holds hundreds of megabytes, of which one backtest reads few; what is written replaces a link.
    """
    if places:
        source, target = places
        shutil.copytree(source, target, copy_function=os.symlink)
        os.environ["WORKBENCH_CACHE_DIR"] = os.path.dirname(target)


def _strategy(job: dict[str, Any]) -> type:
    """The script's class; the script is executed here, so whatever is to be confined has been."""
    module = ModuleType("uploaded_strategy")
    module.__file__ = job["filename"]
    sys.modules[module.__name__] = module
    exec(compile(job["source"], job["filename"], "exec"), module.__dict__)  # noqa: S102 - what this process is for
    found: type = getattr(module, job["class_name"])
    return found


def _prices(job: dict[str, Any]) -> Any:
    import workbench as wb

    wanted = job["prices"]
    if wanted["source"] != "synthetic":
        symbols = wanted["symbols"] or None
        return wb.load(wanted["source"], symbols, start=wanted["start"] or None, end=wanted["end"] or None)
    return wb.synthetic(
        wanted["symbols"] or ("BTC-USD", "ETH-USD"),
        wanted["venues"],
        wanted["bars"],
        wanted["interval"],
        wanted["seed"],
    )


def _confine(job: dict[str, Any]) -> None:
    """Where bubblewrap is not round this process, the kernel's other means are put on it."""
    layers = frozenset(job["layers"])
    if not layers:
        return
    import workbench.core.jit
    from live.sandbox.landlock import restrict_files
    from live.sandbox.linux import drop_capabilities, forbid_new_privileges
    from live.sandbox.seccomp import restrict_system_calls

    workbench.core.jit.CACHE_DIRECTORY = None  # what is compiled from here on cannot be kept
    drop_capabilities()
    forbid_new_privileges()
    if "landlock" in layers:
        restrict_files(job["readable"])
    if "seccomp" in layers:
        restrict_system_calls()


def _warm_up() -> None:
    """Have compiled code loaded while its cache can be reached."""
    import workbench as wb
    import workbench.core
    import workbench.strategy

    for package in (workbench.core, workbench.strategy):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)  # a kernel looks for its cache when its module is loaded

    class Warming(wb.TradingStrategy):
        def on_market_data(self, price_update: wb.PriceUpdate) -> list[wb.MarketSignal]:
            away = {"order_type": "limit", "limit_price": 0.9 * price_update.last}
            return [
                wb.MarketSignal(price_update.symbol, None, strength, 1.0, away) for strength in (0.1, -0.1)
            ]

        def on_order_fill(self, fill: wb.OrderFill) -> None: ...

        def on_risk_breach(self, breach: wb.RiskBreach) -> None: ...

    wb.backtest(Warming, wb.synthetic(bars=20), limits=wb.RiskLimits(), progress=False).stats()


def _figures(values: Any) -> dict[str, Any]:
    return {str(key): _plain(value) for key, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | str) or value is None:
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return number if abs(number) < float("inf") else None


def _result(result: Any) -> dict[str, Any]:
    import msgspec

    equity = result.equity
    step = max(1, -(-len(equity) // _POINTS))
    thin = equity.iloc[::step] if len(equity) <= 1 or (len(equity) - 1) % step == 0 else None
    if thin is None:
        import pandas as pd

        thin = pd.concat([equity.iloc[::step], equity.iloc[-1:]])
    fills = result.fills.tail(_ROWS)
    return {
        "fingerprint": result.fingerprint,
        "start": str(result.start),
        "end": str(result.end),
        "initial_cash": float(result.initial_cash),
        "final_equity": float(result.final_equity),
        "stats": _figures(result.stats()),
        "performance": [
            _figures(msgspec.to_builtins(result.performance(strategy))) for strategy in result.strategies
        ],
        "breaches": _figures(result.breaches["breach_type"].value_counts()),
        "refusals": [_figures(row) for row in result.refusals.head(_REASONS).to_dict("records")],
        "errors": [_figures(row) for row in result.errors.head(_REASONS).to_dict("records")],
        "fill_count": len(result.fills),
        "equity": [[int(at.value), _plain(value)] for at, value in thin.items()],
        "fills": [_figures(row) for row in fills.reset_index().to_dict("records")],
    }


def _main() -> None:
    answer = os.dup(1)
    os.dup2(2, 1)  # what the strategy prints is not the answer
    job = json.load(sys.stdin)
    _limit(job)
    _take_kernels(job["kernels"])
    for library in ("OPENBLAS", "OMP", "MKL", "NUMBA"):  # one core is enough, and threads may be refused
        os.environ[f"{library}_NUM_THREADS"] = "1"
    import workbench as wb
    from workbench.errors import WorkbenchError

    try:
        prices = _prices(job)
        limits = wb.load_limits(job["limits"])
        wb.backtest  # noqa: B018 - loaded before files are out of reach
        tempfile.gettempdir()  # found while files can still be made
        if job["layers"]:
            _warm_up()
        _confine(job)
        ran = wb.backtest(
            {job["strategy_id"]: _strategy(job)},
            prices,
            config={job["strategy_id"]: job["config"]},
            limits=limits,
            costs=job["costs"] or None,
            chaos=job["chaos"],
            seed=job["seed"],
            initial_cash=job["initial_cash"],
            on_error="contain",
            progress=False,
        )
        said: dict[str, Any] = {"result": _result(ran)}
    except WorkbenchError as error:
        said = {"error": str(error)}
    except MemoryError:
        said = {"error": "the backtest needs more memory than it may have; take fewer bars or symbols"}
    with os.fdopen(answer, "w") as file:
        json.dump(said, file)
    os._exit(0)


_main()
