"""Crises of the past on today's positions: what the book would have gained and lost on the way.

Positions stay as they are in units.  A position of exposure E in an instrument that stood at P0 before the crisis has
made E x (P / P0 - 1) when it stands at P.  P0 is the last close of the day on which the window starts, the path ends
with the last close of the day on which it ends.  Money is quote currency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.data.times import Moment, as_span, stamp
from workbench.errors import ConfigError, DataError, UnknownInstrumentError
from workbench.performance.inputs import check_count, check_number
from workbench.risk.crises import CRISES, Crisis
from workbench.risk.inputs import ClosesLike, ExposuresLike, as_closes, as_exposures
from workbench.risk.shown import scenario_cell

__all__ = [
    "CRISES",
    "Crisis",
    "ScenarioPnl",
    "crises",
    "historical_stress",
    "replay_scenario",
    "worst_windows",
]

type ScenarioLike = str | Crisis | tuple[Moment, Moment]
type Proxies = Mapping[str, str | tuple[str, float]]
type Missing = Literal["error", "zero"]

_DAY: Final = pd.Timedelta(days=1)


@dataclass(frozen=True, eq=False)
class ScenarioPnl:
    """P&L of today's positions along a window of history.

    pnl: one row per time, one column per instrument, since the start (the first row is 0).  start: time of the closes
    that the path is measured from.  proxies: by instrument, what stood in for it and with which beta.  missing:
    instruments that were taken to stand still, because there were no prices and `missing="zero"` asked for it.
    """

    name: str
    start: pd.Timestamp
    end: pd.Timestamp
    pnl: pd.DataFrame
    proxies: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def path(self) -> pd.Series[float]:
        """P&L of the whole book since the start."""
        return self.pnl.sum(axis=1).rename("pnl")

    def _repr_html_(self) -> str:
        return scenario_cell(self)

    def summary(self) -> pd.Series[Any]:
        """start, end, rows; pnl at the end; worst_pnl and worst_time; worst_step, the largest loss from one row to the
        next; largest_fall, from the highest point of the path to a later one (0 or below); worst_instrument, which lost
        most at the worst time, and worst_instrument_pnl.
        """
        path = self.path
        steps = path.diff()
        worst = int(path.to_numpy().argmin())
        by_instrument = self.pnl.iloc[worst]
        return pd.Series(
            {
                "start": self.start,
                "end": self.end,
                "rows": len(path) - 1,
                "pnl": float(path.iloc[-1]),
                "worst_pnl": float(path.min()),
                "worst_time": path.index[worst],
                "worst_step": float(min(steps.min(), 0.0)),
                "worst_step_time": steps.idxmin(),
                "largest_fall": float((path - path.cummax()).min()),
                "worst_instrument": by_instrument.idxmin(),
                "worst_instrument_pnl": float(by_instrument.min()),
            },
            name=self.name,
            dtype=object,
        )


def crises(closes: ClosesLike | None = None) -> pd.DataFrame:
    """The known crises: start, end, what; given closes, those alone that some of them cover, and how many do."""
    rows = {c.name: {"start": c.start, "end": c.end, "what": c.what} for c in CRISES.values()}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("scenario")
    if closes is None:
        return table
    prices = as_closes(closes)
    covered = [sum(_why_not(prices[name], *_bounds(c)) == "" for name in prices) for c in CRISES.values()]
    table["instruments"] = covered
    return table[table["instruments"] > 0]


def replay_scenario(
    exposures: ExposuresLike,
    closes: ClosesLike,
    scenario: ScenarioLike,
    *,
    proxies: Proxies | None = None,
    missing: Missing = "error",
) -> ScenarioPnl:
    """The P&L of today's positions, path by path, had the window come again.

    exposures: signed notional by instrument.  closes: history with one column per instrument; a time at which one has
    no close repeats its last.  scenario: name of one of `CRISES`, a Crisis, or (start, end) as days or times.
    proxies: instrument -> another one in `closes`, or (another, beta): the first moves by beta times what the other
    does since the start.  missing: an instrument without prices in the window and without a proxy is an error, or
    with "zero" stands still and is named in the result.

    Raises UnknownInstrumentError or DataError naming what lacks prices, ConfigError for an unknown scenario.
    """
    held, prices, crisis = as_exposures(exposures), as_closes(closes), _scenario(scenario)
    return _replay(held, prices, crisis, _stand_ins(held, prices, proxies), _checked_missing(missing))


def historical_stress(
    exposures: ExposuresLike,
    closes: ClosesLike,
    scenarios: Sequence[ScenarioLike] | None = None,
    *,
    proxies: Proxies | None = None,
    missing: Missing = "error",
    equity: float | None = None,
) -> pd.DataFrame:
    """One row per scenario, the worst first: see `ScenarioPnl.summary` for the columns.

    scenarios: None for all `CRISES` in which every position (or its proxy) has prices, or with missing="zero" any.
    equity: adds worst_pnl as a share of it.  Other arguments and errors as for `replay_scenario`; DataError where no
    known crisis is covered.
    """
    held, prices, how = as_exposures(exposures), as_closes(closes), _checked_missing(missing)
    stand_ins = _stand_ins(held, prices, proxies)
    if scenarios is None:
        chosen = [c for c in CRISES.values() if _covered(held, prices, c, stand_ins, how)]
        if not chosen:
            raise DataError(
                "no known crisis lies within the prices of all positions; name scenarios= as (start, end), or give "
                "proxies="
            )
    else:
        chosen = [_scenario(scenario) for scenario in scenarios]
        if not chosen:
            raise ConfigError("scenarios: expected at least one, found none")
    rows = [_replay(held, prices, crisis, stand_ins, how).summary() for crisis in chosen]
    table = pd.DataFrame({row.name: row for row in rows}).T.infer_objects().rename_axis("scenario")
    if equity is not None:
        table["worst_share"] = table["worst_pnl"] / check_number("equity", equity, 1e-300)
    return table.sort_values("worst_pnl", kind="stable")


def worst_windows(
    exposures: ExposuresLike,
    closes: ClosesLike,
    length: int = 10,
    top: int = 10,
    *,
    proxies: Proxies | None = None,
) -> pd.DataFrame:
    """The worst stretches of `length` rows in history for today's positions: what hurts this book, found by search.

    A time without a close of some position repeats its last; those before all have one are left out.  The stretches do
    not overlap.  start, end: times of the closes that a stretch lies between.  pnl: quote currency.  worst_instrument,
    worst_instrument_pnl: which lost most.  proxies: as for `replay_scenario`.
    Raises UnknownInstrumentError where a position has no prices, DataError where they are too short.
    """
    check_count("length", length, 1)
    check_count("top", top, 1)
    held, prices = as_exposures(exposures), as_closes(closes)
    stand_ins = _stand_ins(held, prices, proxies)
    if lacking := [str(name) for name in held.index if name not in stand_ins]:
        raise UnknownInstrumentError(f"no prices of {', '.join(lacking)}; give proxies=")
    columns, betas = zip(*(stand_ins[str(name)] for name in held.index), strict=True)
    table = prices[list(dict.fromkeys(columns))].ffill().dropna()
    if len(table) <= length:
        raise DataError(
            f"expected more than {length} rows with a close of every position, found {len(table)}"
        )
    values = table[list(columns)].to_numpy()
    parts = (values[length:] / values[:-length] - 1.0) * (held.to_numpy() * np.array(betas))
    pnl = parts.sum(axis=1)
    taken = _lowest_apart(pnl, length, top)
    worst = parts[taken].argmin(axis=1)
    return pd.DataFrame(
        {
            "start": table.index[taken],
            "end": table.index[[at + length for at in taken]],
            "pnl": pnl[taken],
            "worst_instrument": held.index[worst],
            "worst_instrument_pnl": parts[taken, worst],
        },
        index=pd.RangeIndex(1, len(taken) + 1, name="rank"),
    )


def _lowest_apart(values: npt.NDArray[np.float64], length: int, top: int) -> list[int]:
    """Places of the lowest values, at least `length` apart, the lowest first."""
    taken: list[int] = []
    free = np.ones(len(values), dtype=bool)
    while len(taken) < top and free.any():
        at = int(np.where(free, values, np.inf).argmin())
        taken.append(at)
        free[max(at - length + 1, 0) : at + length] = False
    return taken


def _replay(
    held: pd.Series[float],
    prices: pd.DataFrame,
    crisis: Crisis,
    stand_ins: Mapping[str, tuple[str, float]],
    missing: Missing,
) -> ScenarioPnl:
    low, high = _bounds(crisis)
    reasons = {name: _reason(prices, name, stand_ins, low, high) for name in map(str, held.index)}
    lacking = {name: why for name, why in reasons.items() if why}
    if lacking and missing == "error":
        text = "; ".join(f"{name} {why}" for name, why in lacking.items())
        kind = DataError if all(name in stand_ins for name in lacking) else UnknownInstrumentError
        raise kind(f"scenario {crisis.name}: {text}; give proxies=, or missing='zero' to let it stand still")
    if len(lacking) == len(held):
        raise DataError(f"scenario {crisis.name}: expected prices of at least one position, found none")
    used = {name: stand_ins[name] for name in reasons if name not in lacking}
    filled = prices[sorted({column for column, _ in used.values()})].ffill()
    start = filled.index[filled.index <= low][-1]
    window = filled[(filled.index >= start) & (filled.index <= high)]
    moves = window / window.iloc[0] - 1.0
    pnl = pd.DataFrame(
        {
            name: held[name] * used[name][1] * moves[used[name][0]] if name in used else 0.0
            for name in map(str, held.index)
        },
        index=window.index,
    )
    replaced = {name: pair for name, pair in used.items() if pair != (name, 1.0)}
    return ScenarioPnl(crisis.name, start, window.index[-1], pnl, replaced, tuple(lacking))


def _covered(
    held: pd.Series[float],
    prices: pd.DataFrame,
    crisis: Crisis,
    stand_ins: Mapping[str, tuple[str, float]],
    missing: Missing,
) -> bool:
    known = [_reason(prices, str(name), stand_ins, *_bounds(crisis)) == "" for name in held.index]
    return all(known) or (missing == "zero" and any(known))


def _reason(
    prices: pd.DataFrame,
    name: str,
    stand_ins: Mapping[str, tuple[str, float]],
    low: pd.Timestamp,
    high: pd.Timestamp,
) -> str:
    """Why the position cannot be replayed; "" where it can."""
    if name not in stand_ins:
        return "has no prices"
    column = stand_ins[name][0]
    why = _why_not(prices[column], low, high)
    return f"(through {column}) {why}" if why and column != name else why


def _why_not(closes: pd.Series[float], low: pd.Timestamp, high: pd.Timestamp) -> str:
    """Why a window is not covered: no close shortly before it, or none shortly before its end."""
    known = pd.DatetimeIndex(closes.index[closes.notna().to_numpy()])
    stale = _stale(known)
    before, inside = known[known <= low], known[(known > low) & (known <= high)]
    if not len(before) or before[-1] < low - stale:
        return f"has no close in the {stale.days} days up to {stamp(low)}"
    if not len(inside) or inside[-1] < high - stale:
        return f"has no close in the {stale.days} days up to {stamp(high)}"
    return ""


def _stale(known: pd.DatetimeIndex) -> pd.Timedelta:
    """How old a close may be: a day where there are several a day; else one step and a long weekend."""
    steps = np.diff(known.as_unit("ns").asi8)
    step = pd.Timedelta(int(np.median(steps)), unit="ns") if len(steps) else _DAY
    return _DAY if step < 0.5 * _DAY else step + 4 * _DAY


def _stand_ins(
    held: pd.Series[float], prices: pd.DataFrame, proxies: Proxies | None
) -> dict[str, tuple[str, float]]:
    """For each position that has one, the column that moves it, and how strongly."""
    found: dict[str, tuple[str, float]] = {}
    for name in map(str, held.index):
        if name in prices:
            found[name] = (name, 1.0)
    for name, proxy in (proxies or {}).items():
        if name not in held.index:
            known = ", ".join(map(str, held.index))
            raise UnknownInstrumentError(f"proxies: no position {name!r}; there are {known}")
        pair: Any = proxy if isinstance(proxy, tuple) else (proxy, 1.0)
        if len(pair) != 2:
            raise ConfigError(
                f"proxies: expected for {name} another name, or (another, beta), found {proxy!r}"
            )
        column, beta = pair
        if column not in prices:
            raise UnknownInstrumentError(
                f"proxies: no prices of {column!r}; there are {', '.join(map(str, prices.columns))}"
            )
        found[name] = (column, check_number(f"beta of {name}", beta, -1e6, 1e6))
    return found


def _scenario(scenario: ScenarioLike) -> Crisis:
    if isinstance(scenario, Crisis):
        return scenario
    if isinstance(scenario, str):
        if scenario not in CRISES:
            raise ConfigError(
                f"no scenario {scenario!r}; there are {', '.join(CRISES)}; or give (start, end)"
            )
        return CRISES[scenario]
    given: Any = scenario
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise ConfigError(f"scenario: expected a name, a Crisis or (start, end), found {given!r:.80}")
    start, end = given
    return Crisis(f"{start} to {end}", start, end)


def _bounds(crisis: Crisis) -> tuple[pd.Timestamp, pd.Timestamp]:
    low, high = as_span(crisis.start)[1], as_span(crisis.end)[1]
    if not low < high:
        raise ConfigError(f"scenario {crisis.name}: expected an end after its start, found {crisis.end}")
    return low, high


def _checked_missing(missing: Missing) -> Missing:
    if missing not in ("error", "zero"):
        raise ConfigError(f"missing must be 'error' or 'zero', found {missing!r}")
    return missing
