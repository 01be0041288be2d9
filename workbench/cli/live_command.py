"""`workbench live`: start the engine, or ask one that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.live_control import control_commands
from workbench.cli.live_oversight import oversight_commands
from workbench.cli.live_reading import reading_commands
from workbench.cli.live_tokens import token_app

__all__ = ["live_app"]

live_app = typer.Typer(
    help="Start the trading engine (without a command), or ask one that runs.",
)

Port = Annotated[
    int | None,
    typer.Option(
        metavar="PORT", help="Port of REST; 0 takes a free one. (default: 8083)", show_default=False
    ),
]
GrpcPort = Annotated[
    int | None,
    typer.Option(
        metavar="PORT", help="Port of gRPC; 0 takes a free one. (default: 50054)", show_default=False
    ),
]
Host = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Address to listen at. (default: 127.0.0.1, this machine alone)",
        show_default=False,
    ),
]
DataFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Journal, tokens, uploads and logs. (default: var/engine)",
        show_default=False,
    ),
]
VenuesFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Exchanges and feeds. (default: config/venues.yaml)",
        show_default=False,
    ),
]
LimitsFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Risk limits. (default: config/risk_limits.yaml)", show_default=False),
]
Scripts = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Strategy scripts. (default: strategies)", show_default=False),
]
Isolation = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help="How strategies are kept apart: sandbox, container or thread. (default: sandbox)",
        show_default=False,
    ),
]
Autostart = Annotated[
    bool | None,
    typer.Option(
        "--autostart/--no-autostart",
        help="Start what config/strategies.yaml enables.",
        show_default=False,
    ),
]
Chaos = Annotated[
    bool | None,
    typer.Option(
        "--chaos/--no-chaos",
        help="Allow strategies that misbehave on purpose.",
        show_default=False,
    ),
]
Certified = Annotated[
    bool | None,
    typer.Option(
        "--require-certificate/--no-require-certificate",
        help="Whether strategies need a certificate to start. (default: they do)",
        show_default=False,
    ),
]
LogLevel = Annotated[
    str | None,
    typer.Option(metavar="LEVEL", help="debug, info, warning or error. (default: info)", show_default=False),
]


@live_app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    port: Port = None,
    grpc_port: GrpcPort = None,
    host: Host = None,
    data: DataFolder = None,
    venues: VenuesFile = None,
    limits: LimitsFile = None,
    strategies: Scripts = None,
    isolation: Isolation = None,
    autostart: Autostart = None,
    chaos: Chaos = None,
    require_certificate: Certified = None,
    log_level: LogLevel = None,
) -> int:
    """Start the trading engine (without a command), or ask one that runs.

    It goes on until Ctrl-C or SIGTERM. What is not given here comes from the environment (TRADING_ENGINE_PORT …).
    """
    given: dict[str, Any] = {
        "port": port,
        "grpc_port": grpc_port,
        "host": host,
        "data": data,
        "venues_file": venues,
        "limits_file": limits,
        "strategies_path": strategies,
        "strategy_isolation": isolation,
        "autostart": autostart,
        "enable_chaos_strategies": chaos,
        "require_certificate": require_certificate,
        "log_level": log_level,
    }
    wanted = {name: value for name, value in given.items() if value is not None}
    if context.invoked_subcommand is not None:
        if wanted:
            command = context.invoked_subcommand
            raise typer.BadParameter(
                f"options before `{command}` are those of an engine that is started; "
                f"put yours behind it, as in: workbench live {command} --data FOLDER"
            )
        return 0
    from live.__main__ import main

    return main(**wanted)


reading_commands(live_app)
control_commands(live_app)
oversight_commands(live_app)
live_app.add_typer(token_app, name="token")
