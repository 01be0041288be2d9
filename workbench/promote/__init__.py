"""Promotion: from a certified strategy to one that trades live."""

from __future__ import annotations
