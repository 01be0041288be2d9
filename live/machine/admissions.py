"""Certified limits of what runs: the limits in force may permit nothing more, whatever is changed while it runs.

And certified instruments: at the desk a strategy is permitted these alone, of those that the limits permit it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from live.machine.inputs import StrategyRecord
from live.machine.promotion_inputs import PromotionNoted, StrategyAdmitted
from workbench.certificates.ordering import limits_no_looser
from workbench.core.desk import TradingDesk
from workbench.core.limit_row import permit
from workbench.core.limits import RiskLimits
from workbench.errors import CertificateError, EngineError

__all__ = ["Admissions", "looser"]

_LIVING: Final = ("validating", "starting", "running", "paused", "draining")
_SHOWN: Final = 3


class Admissions:
    """admitted: by certificate.  withdrawn: certificates that admit nothing any more, and why.

    A strategy counts with the certificate of its record while it lives, and with the one that it was admitted with
    last until its record names that or it ends: so a version that warms up counts, too.
    """

    def __init__(self) -> None:
        self.admitted: dict[str, StrategyAdmitted] = {}
        self.withdrawn: dict[str, str] = {}
        self._pending: dict[str, str] = {}

    def admit(self, item: StrategyAdmitted, *limits: RiskLimits) -> None:
        """Take an admission.  limits: in force.  Raises CertificateError, nothing changed, where it cannot be."""
        if not item.certificate:
            self._pending.pop(item.strategy_id, None)
            return
        if item.certificate in self.withdrawn:
            raise CertificateError(
                f"certificate {item.certificate} admits nothing any more: {self.withdrawn[item.certificate]}; "
                "certify again"
            )
        for one in limits:
            if more := looser(one, item.limits):
                raise CertificateError(
                    f"{item.strategy_id} is not started: the limits in force permit more than its certificate: "
                    f"{more}; tighten them, or certify under these limits"
                )
        self.admitted[item.certificate] = item
        self._pending[item.strategy_id] = item.certificate

    def noted(self, record: StrategyRecord) -> None:
        """A record has changed: it says which certificate counts, once it is that of the version that warms up."""
        if record.state not in _LIVING or record.certificate == self._pending.get(record.strategy_id):
            self._pending.pop(record.strategy_id, None)

    def demote(self, line: PromotionNoted) -> None:
        """Have a demoted certificate admit nothing any more."""
        if line.action == "demoted" and line.certificate:
            self.withdrawn[line.certificate] = f"{line.strategy_id} was demoted ({line.reason})"

    def check(self, limits: RiskLimits, records: Mapping[str, StrategyRecord]) -> None:
        """Raises EngineError where `limits` permit more than the certificate of something that runs."""
        for certificate in (*_certificates(records).values(), *self._pending.values()):
            item = self.admitted.get(certificate)
            if item is not None and (more := looser(limits, item.limits)):
                raise EngineError(
                    f"{item.strategy_id} runs under a certificate with tighter limits: {more}; stop it first, "
                    "or promote it with a certificate for these limits"
                )

    def in_force(self, records: Mapping[str, StrategyRecord]) -> dict[str, StrategyAdmitted]:
        """Admissions of what runs, by strategy; of a version that warms up where there is one."""
        wanted = {**_certificates(records), **self._pending}
        return {name: self.admitted[wanted[name]] for name in wanted if wanted[name] in self.admitted}

    def permit(
        self, desk: TradingDesk, records: Mapping[str, StrategyRecord], strategies: Iterable[str]
    ) -> None:
        """Have each of `strategies` that has a seat permitted what both limits and its certificates permit it.

        While a version warms up both certificates count: which of the two an order came from is told only afterwards.
        """
        running = _certificates(records)
        count = len(desk.instruments)
        for name in strategies:
            if name not in desk.strategies:
                continue
            s = desk.strategy_index(name)
            permit(desk.state, s, name, desk.instruments, desk.limits)
            for certificate in {running.get(name), self._pending.get(name)}:
                item = self.admitted.get(certificate or "")
                if item is None or item.instruments is None:
                    continue
                for k, instrument in enumerate(desk.instruments):
                    if instrument.name not in item.instruments:
                        desk.view.positions[s * count + k].permitted = 0

    def dump(self) -> dict[str, Any]:
        return {
            "admitted": list(self.admitted.values()),
            "withdrawn": self.withdrawn,
            "pending": self._pending,
        }

    def load(self, dumped: dict[str, Any]) -> None:
        for item in msgspec.convert(dumped.get("admitted", []), list[StrategyAdmitted]):
            self.admitted[item.certificate] = item
        self.withdrawn = dict(dumped.get("withdrawn", {}))
        self._pending = dict(dumped.get("pending", {}))


def _certificates(records: Mapping[str, StrategyRecord]) -> dict[str, str]:
    """Of what runs, by strategy."""
    return {
        name: record.certificate
        for name, record in records.items()
        if record.certificate and record.state in _LIVING
    }


def looser(limits: RiskLimits, certified: RiskLimits) -> str:
    """In which `limits` permit more than was certified, with both figures; "" for none."""
    found = limits_no_looser(limits, certified)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more
