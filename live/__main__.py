"""`python -m live`: the trading engine, by the settings of the environment, until SIGTERM or SIGINT."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, Final

from live.allocator import few_arenas
from live.settings import load_settings
from workbench.errors import WorkbenchError

__all__ = ["main"]

_UNUSED: Final = ("coverage", "rich", "scipy")
"""What libraries load where it is installed and do without where it is not; together they take 25 MB."""


def main(**given: Any) -> int:
    """Run an engine; its exit status.

    given: settings by name, which count before the environment.  Bad ones are one line on stderr and status 2.
    """
    # gRPC's own messages say nothing that is not said in one line here; and no process is forked from this one.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    try:
        settings = load_settings(**given)
    except WorkbenchError as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return 2
    few_arenas()
    own = settings.strategy_isolation != "thread"  # then strategies live here too, and may want anything
    with _without(_UNUSED if own else ()):
        from live.service import run  # after the above, since it loads gRPC

        return run(settings)


@contextlib.contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    """Have an import of these fail as if they were not installed, unless they are loaded."""
    modules: dict[str, Any] = sys.modules
    absent = [name for name in names if name not in modules]
    modules.update(dict.fromkeys(absent))
    try:
        yield
    finally:
        for name in absent:
            modules.pop(name, None)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.stderr.write(
            f"error: expected no arguments, found {sys.argv[1]!r}; settings are variables (see live/settings.py), "
            "and `workbench live --help` has options\n"
        )
        sys.exit(2)
    sys.exit(main())
