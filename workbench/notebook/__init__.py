"""What JupyterLab gets: magics, an explorer of parameters, errors in one box."""

from __future__ import annotations
