"""Live against replay: every fill that differs, and why."""

from __future__ import annotations
