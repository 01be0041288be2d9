"""Honest: whether a strategy's figures are its own, and would be the same elsewhere, later, and a little worse off."""

from __future__ import annotations

from typing import Final

from workbench.certify.checks import Measure
from workbench.certify.honest_blind import reads_its_prices
from workbench.certify.honest_carried import carries_future_prices
from workbench.certify.honest_forms import forms_agree
from workbench.certify.honest_leak import runs_are_apart
from workbench.certify.honest_look_ahead import look_ahead_future, look_ahead_prefix
from workbench.certify.honest_look_back import lookback_suffices
from workbench.certify.honest_outside import outside_world
from workbench.certify.honest_sensitivity import survives_costs, survives_delay, survives_missing_updates

__all__ = ["MEASURES"]

MEASURES: Final[tuple[Measure, ...]] = (
    look_ahead_prefix,
    look_ahead_future,
    carries_future_prices,
    reads_its_prices,
    lookback_suffices,
    forms_agree,
    runs_are_apart,
    outside_world,
    survives_delay,
    survives_costs,
    survives_missing_updates,
)
"""In the order of the scorecard; `outside_world` gives several lines."""
