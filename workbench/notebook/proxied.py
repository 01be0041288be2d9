"""The dashboards behind jupyter-server-proxy: `python -m workbench.notebook.proxied PORT PREFIX`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from workbench.dashboards.serve import serve

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Serve at this port of this machine, until it is ended.

    The proxy passes on what a browser asks for; who may ask is for JupyterLab's own token to say, so that pages of its
    host may connect, whatever that is called.
    """
    port = int(arguments[0])
    serve(
        port=port,
        address="127.0.0.1",
        origins=("*",),
        browser=False,
        ready=lambda url: sys.stderr.write(f"{url}\n"),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
