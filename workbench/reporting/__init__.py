"""Reports: parameterised notebooks, run on schedule, delivered and kept."""

from __future__ import annotations
