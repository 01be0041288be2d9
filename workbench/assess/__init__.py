"""The regulator's view: each requirement, the control that meets it, and the test that proves it."""

from __future__ import annotations
