"""`python -m workbench.reporting.execute SOURCE TARGET`: one notebook, executed by papermill.

The first line of stdin is its parameters as JSON.  It runs in a process of its own, so that whoever started it can end
it with all that it has started; and it ends by itself where stdin is closed, since then nobody waits for it any more.
On stdout it says in one line of JSON how it went: `{"ok": true}`, or which cell failed and how.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any, Final

__all__ = ["main"]

_LONGEST: Final = 2_000  # characters of an error that are told
_ALONE: Final = 3  # exit status: nobody waits


def main() -> int:
    """Execute; exit status 0 where every cell did."""
    source, target = sys.argv[1:3]
    parameters: dict[str, Any] = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_when_alone, daemon=True).start()
    told = _execute(source, target, parameters)
    sys.stdout.write(json.dumps(told) + "\n")
    return 0 if told["ok"] else 1


def _end_when_alone() -> None:
    sys.stdin.read()
    os._exit(_ALONE)  # the kernel sees that its parent is gone, and goes too


def _execute(source: str, target: str, parameters: dict[str, Any]) -> dict[str, Any]:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillException, PapermillExecutionError
    from papermill.execute import execute_notebook

    try:
        execute_notebook(source, target, parameters, progress_bar=False, log_output=False)
    except PapermillExecutionError as error:
        return _failed(f"{error.ename}: {error.evalue}")
    except DeadKernelError:
        return _failed("the kernel died (out of memory, a crash, or somebody killed it)")
    except (PapermillException, CellTimeoutError, OSError, RuntimeError, ValueError) as error:
        return _failed(f"{type(error).__name__}: {error}")
    return {"ok": True}


def _failed(error: str) -> dict[str, Any]:
    return {"ok": False, "error": error[:_LONGEST]}


if __name__ == "__main__":
    sys.exit(main())
