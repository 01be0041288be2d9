"""`%%strategy`, `%backtest` and `%live`."""

from __future__ import annotations

# IPython describes its decorators with untyped functions.
# mypy: disable-error-code="no-untyped-call,untyped-decorator,misc"
import shlex
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from workbench.notebook.options import limits_named, parameters_named, prices_named, strategy_named

__all__ = ["WorkbenchMagics"]


@magics_class
class WorkbenchMagics(Magics):
    """Magics of the workbench; each one's help is what `?` behind it shows."""

    @property
    def _variables(self) -> dict[str, Any]:
        return dict(self.shell.user_ns) if self.shell is not None else {}

    @magic_arguments("%%strategy")
    @argument("name", nargs="?", default="", help="Name of the script; left out, that of the class.")
    @argument("--force", action="store_true", help="Replace a script of that name that says something else.")
    @argument("--folder", default=None, help="Folder of scripts (default: strategies/).")
    @argument(
        "-p", "--prices", default=None, help="Sample, file or variable for the short run (default: sp500)."
    )
    @argument("-c", "--config", action="append", help="A parameter for the short run, such as fast=10.")
    @argument("--no-swap", action="store_true", help="Leave an engine that runs it alone.")
    @cell_magic
    def strategy(self, line: str, cell: str) -> Any:
        """Make a strategy script of this cell.

        The class is read and tried on some real prices; only then is it written to strategies/, bound to its name in
        this notebook, and, where an earlier version runs on an engine with simulated exchanges, swapped in there.
        """
        from workbench.notebook.strategy_cell import write_strategy
        from workbench.notebook.written_view import WrittenView

        asked = parse_argstring(self.strategy, line)
        variables = self._variables
        written = write_strategy(
            cell,
            asked.name,
            folder=None if asked.folder is None else Path(asked.folder),
            force=asked.force,
            prices=None if asked.prices is None else prices_named(asked.prices, variables),
            config=parameters_named(asked.config, variables),
        )
        if self.shell is not None:
            self.shell.user_ns[written.strategy.__name__] = written.strategy
        return WrittenView(written, [] if asked.no_swap else _swapped(written.path))

    @magic_arguments("%backtest")
    @argument("strategy", help="A strategy class of this notebook, a script's name or path.")
    @argument(
        "-p",
        "--prices",
        action="append",
        help="A variable, sample or file; may be repeated (default: sp500).",
    )
    @argument("-c", "--config", action="append", help="A parameter (fast=10), a JSON object, or a variable.")
    @argument("--start", default=None, help="First bar, such as 2008-09.")
    @argument("--end", default=None, help="Last bar.")
    @argument("--limits", default=None, help="Risk limits: a file, a variable, or off.")
    @argument("--cash", type=float, default=1_000_000.0, help="Cash at the start.")
    @argument("--seed", type=int, default=0, help="Seed of everything that is left to chance.")
    @line_magic
    def backtest(self, line: str) -> Any:
        """Backtest a strategy; `result = %backtest sma_cross -p sp500 -c fast=20` keeps what it found."""
        from workbench.backtest.api import backtest
        from workbench.data.catalog import as_prices, merge

        asked = parse_argstring(self.backtest, line)
        variables = self._variables
        named = [as_prices(prices_named(word, variables)) for word in asked.prices or ["sp500"]]
        return backtest(
            strategy_named(asked.strategy, variables),
            merge(*named),
            config=parameters_named(asked.config, variables),
            limits=limits_named(asked.limits, variables),
            start=asked.start,
            end=asked.end,
            initial_cash=asked.cash,
            seed=asked.seed,
        )

    @line_magic
    def live(self, line: str) -> Any:
        """Ask or steer the live engine: `%live`, `%live positions`, `%live kill --reason "…"`; `%live help` for all."""
        from workbench.notebook.live_words import run_live

        try:
            words = shlex.split(line)
        except ValueError as error:
            raise UsageError(f"%live: {error}") from error
        return run_live(words, self._variables)


def _swapped(path: Path) -> list[Any]:
    """What became of the versions that run; nothing where no engine does."""
    from workbench.notebook.swapping import engine_here, swap_running

    engine = engine_here()
    if engine is None:
        return []
    with engine:
        return swap_running(engine, path)
