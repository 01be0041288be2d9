"""The dashboards behind jupyter-server-proxy: `python -m workbench.notebook.proxied PORT`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

from workbench.dashboards.serve import serve

__all__ = ["main"]

_HUB: Final = "JUPYTERHUB_SERVICE_PREFIX"


def main(arguments: Sequence[str]) -> int:
    """Serve at this port of this machine, until it is ended.

    Pages of this machine may connect. On a hub nobody but the hub reaches this port, and under which name a browser
    sees the hub is not known here.
    """
    serve(
        port=int(arguments[0]),
        address="127.0.0.1",
        origins=("*",) if _HUB in os.environ else ("localhost:*", "127.0.0.1:*"),
        browser=False,
        ready=lambda url: sys.stderr.write(f"dashboards at {url}\n"),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
