"""Certificates: what they say, how they are signed, and what a strategy's source is made of."""

from __future__ import annotations
