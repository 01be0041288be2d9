"""Strategy scripts that tests write into a folder of their own."""

from __future__ import annotations

from pathlib import Path

__all__ = ["WITNESS", "write_script"]

HEAD = '''
from workbench.core.messages import MarketSignal
from workbench.strategy.contract import TradingStrategy


class {name}(TradingStrategy):
    """{what}"""

    VERSION = "{version}"

    def on_market_data(self, price_update):
{body}

    def on_order_fill(self, fill):
        pass

    def on_risk_breach(self, breach):
        pass
'''

# Signs for each update that it saw, by a signal that comes to no order, as it is smaller than a lot.
WITNESS = """
sign = {"sequence": price_update.sequence, "venue": price_update.venue, "version": self.VERSION}
return [MarketSignal(price_update.symbol, None, 1e-9, 1.0, {**sign, "quantity": 1e-9})]
"""


def write_script(
    folder: Path, name: str, body: str, *, version: str = "1", what: str = "For a test."
) -> Path:
    """`name`.py with one strategy class; body: of on_market_data, not indented."""
    lines = "\n".join("        " + line for line in body.strip().splitlines())
    class_name = "".join(part.title() for part in name.split("_")) + "Strategy"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(HEAD.format(name=class_name, what=what, version=version, body=lines))
    return path
