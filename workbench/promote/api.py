"""`wb.promote`: from a strategy to money behind it, by way of a certificate and a trial."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.certify.certification import Certification, certify
from workbench.client import EngineClient
from workbench.promote.handle import Handle
from workbench.promote.package import Package, of_certification, of_strategy, signed_of

if TYPE_CHECKING:
    from workbench.backtest.api import CostsLike, LimitsLike
    from workbench.certify.checks import Trials
    from workbench.configuration.certification import Thresholds
    from workbench.data.catalog import PriceLike
    from workbench.strategy.contract import TradingStrategy

__all__ = ["promote"]


def promote(
    strategy: str | os.PathLike[str] | type[TradingStrategy] | Certification,
    engine: EngineClient | str | None = None,
    *,
    certificate: str | os.PathLike[str] | bytes | None = None,
    prices: PriceLike | None = None,
    config: Mapping[str, Any] | None = None,
    limits: LimitsLike = None,
    costs: CostsLike = None,
    trials: Trials = None,
    seed: int = 0,
    thresholds: Thresholds | Mapping[str, Any] | str | Path | None = None,
    strategy_id: str = "",
    on_failure: str = "hold",
    canary: bool = True,
    certified: bool = True,
    reason: str = "promoted from research",
    progress: bool | None = None,
) -> Handle:
    """Certify a strategy, send it to the engine and put it on trial there; a handle of it.

    strategy: a class (of a notebook cell, too), a script's path, the path of a certificate (.json) beside its script,
    or a finished `wb.certify`.  engine: a client or URL; left out, the one on this machine.
    certificate: of an earlier certification; left out, the strategy is certified now: prices (left out, the house's
    made-up market), config, limits (left out, those in force at the engine), costs, trials, seed and thresholds are as
    for `wb.certify`.
    strategy_id: left out, the script's name.  on_failure: hold or flatten.  canary: capital and limits grow by steps;
    without, it has everything at once (role risk).  certified: False sends it without a certificate, which only engines
    take that require none.  reason: for the strategy's history.

    Raises CertificateError where it does not pass or is not what was certified, RequestError where the engine refuses.
    """
    client = engine if isinstance(engine, EngineClient) else EngineClient(engine)
    if isinstance(strategy, Certification):
        package = of_certification(strategy)
    elif certificate is not None or str(strategy).endswith(".json"):
        package = of_strategy(strategy, None if certificate is None else signed_of(certificate))
    elif not certified:
        package = of_strategy(strategy)._replace(config=config)
    else:
        found = certify(
            strategy,
            _house_market() if prices is None else prices,
            config=config,
            limits=client.limits().limits if limits is None else limits,
            costs=costs,
            trials=trials,
            seed=seed,
            thresholds=thresholds,
            progress=progress,
        )
        package = of_certification(found)
    return _send(client, package, strategy_id, on_failure, canary, reason)


def _house_market() -> PriceLike:
    from workbench.certify.markets import house_market

    return house_market()


def _send(
    client: EngineClient, package: Package, strategy_id: str, on_failure: str, canary: bool, reason: str
) -> Handle:
    answer = client.promote(
        package.script,
        reason,
        source=package.source,
        certificate=package.certificate,
        strategy_id=strategy_id,
        config=package.config,
        on_failure=on_failure,
        canary=canary,
    )
    return Handle(client, answer.strategy_id)
