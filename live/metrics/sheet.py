"""Values of one update, and what Prometheus' client makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from prometheus_client import Metric

from live.metrics.families import BY_NAME, FAMILIES

__all__ = ["OTHER", "Names", "Sheet", "Tally"]

OTHER: Final = "other"


class Names:
    """Bounds what may become a label: the first `most` names stay, those after them are `other`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()
        self._folded: set[str] = set()

    def of(self, name: str) -> str:
        """The label of a name.  "" stays, and takes no place; a name that is `other` is told with the rest."""
        if name in self._known or not name:
            return name
        if len(self._known) < self._most and name != OTHER:
            self._known.add(name)
            return name
        self._folded.add(name)
        return OTHER

    @property
    def folded(self) -> int:
        """Names that are told as `other`."""
        return len(self._folded)


class Tally:
    """A histogram that takes many values at once.  bounds: upper ones, rising."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts: npt.NDArray[np.int64] = np.zeros(len(bounds) + 1, dtype=np.int64)
        self.total = 0.0
        self._edges = np.array(bounds)

    def add(self, values: Iterable[float], times: Iterable[int] | None = None) -> None:
        """Count values; times: how often each."""
        found = np.fromiter(values, dtype=np.float64)
        often = np.ones(len(found)) if times is None else np.fromiter(times, dtype=np.float64)
        places = np.searchsorted(self._edges, found, side="left")  # a value at a bound is below it
        self.counts += np.bincount(places, often, len(self.counts)).astype(np.int64)
        self.total += float(found @ often)


class Sheet:
    """Gauges and counters of one update, by family and label values in the order of the family's labels."""

    def __init__(self) -> None:
        self._values: dict[str, dict[tuple[str, ...], float]] = {f.name: {} for f in FAMILIES}
        self.tallies: dict[str, dict[str, Tally]] = {}

    def put(self, name: str, value: float, *labels: str) -> None:
        self._values[name][labels] = value

    def add(self, name: str, value: float, *labels: str) -> None:
        """Add to what is told under the same labels already."""
        values = self._values[name]
        values[labels] = values.get(labels, 0.0) + value

    def most(self, name: str, value: float, *labels: str) -> None:
        """Keep the larger one; NaN is larger than all."""
        values = self._values[name]
        before = values.get(labels)
        if before is None or value > before or value != value:
            values[labels] = value

    def __iter__(self) -> Iterator[Metric]:
        """The families that have a value, as Prometheus' client writes them."""
        for name, values in self._values.items():
            tallies = self.tallies.get(name, {})
            if not values and not tallies:
                continue
            family = BY_NAME[name]
            metric = Metric(name.removesuffix("_total"), family.help, family.kind)
            for labels, value in values.items():
                metric.add_sample(name, dict(zip(family.labels, labels, strict=True)), value)
            for label, tally in tallies.items():
                _add_histogram(metric, dict(zip(family.labels, (label,), strict=True)), tally)
            yield metric


def _add_histogram(metric: Metric, labels: dict[str, str], tally: Tally) -> None:
    so_far = np.cumsum(tally.counts).tolist()
    for bound, count in zip((*map(repr, tally.bounds), "+Inf"), so_far, strict=True):
        metric.add_sample(f"{metric.name}_bucket", {**labels, "le": bound}, count)
    metric.add_sample(f"{metric.name}_count", labels, so_far[-1])
    metric.add_sample(f"{metric.name}_sum", labels, tally.total)
