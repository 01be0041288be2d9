"""What an engine's desk can be asked is compiled before it is asked."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import contextlib
import sys
from numba.core.registry import CPUDispatcher
from live.machine import Answered, Machine, warm_up
from tests.live.machine.test_machine import ONE_OF_EACH, SETUP, price, wants
from workbench.core import desk
from workbench.core.build import Seat
from workbench.core.intents import SeatStrategy
from workbench.core.messages import MarketSignal
from workbench.errors import WorkbenchError

def compiled():
    return {
        f"{name}.{kernel.__name__}": len(kernel.signatures)
        for name, module in sys.modules.items()
        if name.startswith("workbench.core.")
        for kernel in vars(module).values()
        if isinstance(kernel, CPUDispatcher) and kernel.__module__ == name
    }

warm_up()
before = compiled()
assert sum(before.values()) > 5
made = Machine(SETUP)
traded = price(10, 100.0), wants(1.0), price(11, 100.0), wants(-1.0, order_type="limit", limit_price=120.0)
for item in (*ONE_OF_EACH[7:8], *traded, *ONE_OF_EACH):
    with contextlib.suppress(WorkbenchError):  # some make no sense after others
        made.apply(item)
made.apply(SeatStrategy(Seat("t", capital=1e5)))
made.apply(Answered("t", 3, [MarketSignal("nothing", None, 1.0, 1.0)]))
made.desk.value_at_risk
assert all(kernel.signatures for kernel in vars(desk).values() if isinstance(kernel, CPUDispatcher))
print({name: count for name, count in compiled().items() if count != before.get(name)})
"""


def test_nothing_is_left_to_be_compiled_when_the_first_order_comes() -> None:
    command = [sys.executable, "-c", SCRIPT]
    child = subprocess.run(command, check=False, capture_output=True, text=True, timeout=280)
    assert (child.returncode, child.stdout) == (0, "{}\n"), child.stderr
