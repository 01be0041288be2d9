"""What an engine's process keeps in memory: nothing that another process can load for it, and no compiler."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import httpx

from tests.live.test_service import Service
from tests.waiting import until
from workbench.client.address import SERVICE_FILE

UNWANTED = {
    "IPython",
    "bokeh",
    "coverage",
    "cryptography",
    "duckdb",
    "httpx",
    "matplotlib",
    "pandas",
    "panel",
    "pyarrow",
    "rich",
    "scipy",
    "typer",
}
# `python -m live`, which leaves behind what was loaded at its end, and how much of LLVM is in memory.
PROGRAM = r"""
import atexit, json, re, sys
from pathlib import Path

def report():
    mappings = re.split(r"(?m)^(?=[0-9a-f]+-)", Path("/proc/self/smaps").read_text())
    compiler = [int(re.search(r"Rss: +(\d+)", one)[1]) for one in mappings if "libllvmlite" in one]
    told = {"loaded": sorted({name.partition(".")[0] for name in sys.modules}), "compiler_kb": sum(compiler)}
    Path(sys.argv[1]).write_text(json.dumps(told))

atexit.register(report)
from live.__main__ import main
sys.exit(main())
"""


def own_figure(service: Service) -> float:
    """Bytes of resident memory by its metrics."""
    told = json.loads((service.data / SERVICE_FILE).read_text())
    token = (service.data / "admin.token").read_text().strip()
    answer = httpx.get(f"{told['url']}/metrics", headers={"Authorization": f"Bearer {token}"})
    found = re.search(r"(?m)^process_resident_memory_bytes (\S+)$", answer.text)
    assert found is not None, answer.text
    return float(found[1])


def test_an_engine_that_trades_is_small(tmp_path: Path) -> None:
    """A strategy in its sandbox, prices recorded, every kind of view asked for."""
    left = tmp_path / "left.json"
    program = PROGRAM.replace("sys.argv[1]", repr(str(left)))
    service = Service(tmp_path / "one", program, STRATEGY_ISOLATION="sandbox")
    try:
        service.ready()
        with service.client() as engine:
            engine.start("momentum", "m")
            until(lambda: engine.strategy("m").answered > 20)
            views = (
                engine.health,
                engine.positions,
                engine.portfolio,
                engine.equity,
                engine.pnl,
                engine.risk,
                engine.exposures,
                engine.correlations,
                engine.limits,
                engine.orders,
                engine.fills,
            )
            for view in views:
                view()
            engine.performance("m")
            resident = own_figure(service)
        assert service.signal(signal.SIGTERM) == (0, "")
    finally:
        if service.process.poll() is None:
            service.process.kill()
            service.ended()
    told = json.loads(left.read_text())
    assert {"live", "numba", "grpc"} <= set(told["loaded"])
    assert UNWANTED & set(told["loaded"]) == set()
    assert 0 < told["compiler_kb"] < 16_000  # of 150 MB, some 70 of which are read to load compiled code
    assert resident < 200e6
