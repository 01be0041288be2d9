"""`python -m workbench.reconcile`: for processes, such as the engine's, that ask whether a session agrees.

One JSON document on standard output.  Exit status: 0 agreed, 1 not, 2 where it could not be found out (one line of
why on standard error).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from workbench.errors import WorkbenchError
from workbench.reconcile.api import reconcile

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status."""
    asked = _read(arguments)
    try:
        found = reconcile(
            asked.journal,
            date=asked.date,
            start=asked.start,
            end=asked.end,
            strategy=asked.strategy,
            data=asked.data,
            prices=not asked.no_recording,
            isolation=asked.isolation,
            minimum=asked.minimum,
            publish=asked.publish,
        )
    except WorkbenchError as error:
        sys.stderr.write(" ".join(f"error: {error}".split()) + "\n")
        return 2
    sys.stdout.write((json.dumps(found.to_dict()) if asked.json else repr(found)) + "\n")
    return 0 if found.ok else 1


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workbench.reconcile", description="Live against replay.")
    parser.add_argument(
        "--journal", required=True, help="an engine's data folder, or its journal's file or URL"
    )
    parser.add_argument("--data", help="the engine's data folder, where the journal is a database")
    parser.add_argument("--strategy", action="append", help="only this one; may be given again")
    parser.add_argument("--date", help="a day, UTC")
    parser.add_argument("--start", help="first price, UTC")
    parser.add_argument("--end", help="last price, UTC")
    parser.add_argument("--no-recording", action="store_true", help="take prices from the journal alone")
    parser.add_argument("--isolation", default="sandbox", choices=["sandbox", "container", "thread"])
    parser.add_argument("--minimum", default="filtered", help="isolation that must hold")
    parser.add_argument("--publish", action="store_true", help="put the result where the metrics find it")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
