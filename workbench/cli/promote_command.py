"""`workbench promote`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.live_options import Data, Url, engine_at
from workbench.cli.output import answer_console, print_json
from workbench.cli.settings import (
    Config,
    CostSettings,
    Json,
    Limits,
    ProgressBar,
    Seed,
    read_cost_settings,
    read_limits,
)
from workbench.configuration.arguments import read_parameters

__all__ = ["promote_command"]

Script = Annotated[
    str,
    typer.Argument(metavar="SCRIPT", help="A strategy script, or a certificate (.json) beside its script."),
]
Certificate = Annotated[
    Path | None,
    typer.Option(
        "--certificate",
        metavar="FILE",
        help="Of an earlier certification. (default: it is certified now)",
        show_default=False,
    ),
]
Prices = Annotated[
    str | None,
    typer.Option(
        "--prices",
        metavar="SOURCE",
        help="To certify on: a file, or the name of a sample. (default: the house's made-up market)",
        show_default=False,
    ),
]
Thresholds = Annotated[
    Path | None,
    typer.Option(
        "--thresholds",
        metavar="FILE",
        help="What is required, as config/certification.yaml. (default: the house figures)",
        show_default=False,
    ),
]
Name = Annotated[
    str,
    typer.Option(
        "--id", metavar="ID", help="Id to run under. (default: the script's name)", show_default=False
    ),
]
Canary = Annotated[
    bool,
    typer.Option("--canary/--no-canary", help="By steps, or everything at once (needs the role risk)."),
]
Certified = Annotated[
    bool,
    typer.Option("--certified/--uncertified", help="Without a certificate, where the engine requires none."),
]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the strategy's history.")]
Flatten = Annotated[bool, typer.Option("--flatten-on-failure", help="Close its positions when it dies.")]


def promote_command(
    script: Script,
    certificate: Certificate = None,
    prices: Prices = None,
    config: Config = None,
    limits: Limits = None,
    costs: CostSettings = None,
    seed: Seed = 0,
    thresholds: Thresholds = None,
    strategy_id: Name = "",
    canary: Canary = True,
    certified: Certified = True,
    flatten: Flatten = False,
    reason: Why = "promoted from a shell",
    url: Url = None,
    data: Data = None,
    progress: ProgressBar = None,
    json: Json = False,
) -> None:
    """Certify a strategy (or take its certificate), and put it on trial at the live engine.

    Example: workbench promote strategies/momentum.py --reason "autumn review"
    """
    from workbench.promote.api import promote

    with engine_at(url, data) as engine:
        handle = promote(
            script,
            engine,
            certificate=certificate,
            prices=prices,
            config=read_parameters(config) if config else None,
            limits=read_limits(limits) if limits else None,
            costs=read_cost_settings(costs),
            seed=seed,
            thresholds=thresholds,
            strategy_id=strategy_id,
            canary=canary,
            certified=certified,
            on_failure="flatten" if flatten else "hold",
            reason=reason,
            progress=progress,
        )
        if json:
            print_json(handle.status())
        else:
            answer_console().print(handle)
