"""Panel applications: research lab, chaos lab, risk desk, strategy desk, reports."""

from __future__ import annotations
