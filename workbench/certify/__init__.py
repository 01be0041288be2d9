"""Certification: whether a strategy holds under normal, honest, significant, stressed and chaotic conditions."""

from __future__ import annotations
