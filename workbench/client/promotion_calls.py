"""Requests about certificates and promotions, beside those of `calls`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.client import frames
from workbench.client.answers import CertificateView, PromoteResponse, TrialView, read_answer
from workbench.client.calls import Call, given, strategy_path
from workbench.client.frames import frame_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["certificate", "demote", "history", "promote", "trial"]


def promote(
    script: str,
    reason: str,
    *,
    source: str,
    certificate: str,
    strategy_id: str,
    config: Mapping[str, Any] | None,
    on_failure: str,
    canary: bool,
) -> Call[PromoteResponse]:
    body: dict[str, Any] = {
        "script": script,
        "reason": reason,
        "on_failure": on_failure,
        "canary": canary,
        **given(source=source, certificate=certificate, strategy_id=strategy_id),
    }
    if config is not None:
        body["config"] = dict(config)
    return Call("POST", "/api/v1/strategies/promote", _promotion, body=body, changes=True)


def demote(strategy_id: str, reason: str) -> Call[PromoteResponse]:
    return Call(
        "POST",
        strategy_path(strategy_id, "demote"),
        _promotion,
        body={"reason": reason},
        changes=True,
    )


def _promotion(plain: Any) -> PromoteResponse:
    return read_answer(PromoteResponse, plain)


def certificate(strategy_id: str) -> Call[CertificateView]:
    return Call(
        "GET",
        strategy_path(strategy_id, "certificate"),
        lambda plain: read_answer(CertificateView, plain),
    )


def history(strategy_id: str, limit: int) -> Call[pd.DataFrame]:
    return Call(
        "GET",
        strategy_path(strategy_id, "history"),
        lambda plain: frame_of(plain["lines"], frames.HISTORY, "time"),
        {"limit": limit},
    )


def trial(strategy_id: str) -> Call[TrialView | None]:
    def read(plain: Any) -> TrialView | None:
        return None if plain["trial"] is None else read_answer(TrialView, plain["trial"])

    return Call("GET", strategy_path(strategy_id, "history"), read, {"limit": 1})
