"""`workbench …`: the command line.

Every error of the workbench, and every bad option, is one line on stderr that begins with `error:`, and status 2. What
a command computes goes to stdout, what it says meanwhile to stderr.
"""

from workbench.cli.app import main

__all__ = ["main"]
