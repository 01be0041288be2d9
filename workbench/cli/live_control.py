"""`workbench live start | stop | pause | resume | demote | upload | kill | reset | limits`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.live_options import Data, Reason, StrategyId, Url, engine_at
from workbench.cli.live_tables import clean
from workbench.cli.output import answer_console, print_json
from workbench.cli.settings import Config, Json
from workbench.configuration.arguments import read_parameters
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.client import EngineClient
    from workbench.client.answers import StrategyResponse

__all__ = ["control_commands"]

OneStrategy = Annotated[
    str, typer.Option("--strategy", metavar="ID", help="This strategy alone.", show_default=False)
]
OneVenue = Annotated[
    str, typer.Option("--venue", metavar="VENUE", help="This venue alone.", show_default=False)
]
Flatten = Annotated[bool, typer.Option("--flatten", help="Close positions too.")]


def control_commands(app: typer.Typer) -> None:
    """Add the commands that change something; each is written into the audit log."""
    app.command("start")(_start)
    app.command("stop")(_stop)
    app.command("pause")(_pause)
    app.command("resume")(_resume)
    app.command("demote")(_demote)
    app.command("upload")(_upload)
    app.command("kill")(_kill)
    app.command("reset")(_reset)
    app.command("limits")(_limits)


def _told(answer: StrategyResponse, json: bool) -> None:
    if json:
        print_json(answer)
        return
    why = f": {clean(answer.message)}" if answer.message else ""
    what = f"{clean(answer.strategy_id)} ({clean(answer.strategy_name)} {clean(answer.version)})"
    answer_console().print(f"{what} is {answer.state}{why}")


def _demote(
    strategy: StrategyId, reason: Reason, url: Url = None, data: Data = None, json: Json = False
) -> None:
    """Take a version on trial back: what ran before takes over, or nothing runs.

    Where nothing runs, what it holds stays, or is closed, as its start said for a failure.

    Example: workbench live demote fast --reason "worse than the one before"
    """
    with engine_at(url, data) as engine:
        answer = engine.demote(strategy, reason)
    if json:
        print_json(answer)
        return
    what = f"{clean(answer.strategy_id)} ({clean(answer.strategy_name)} {clean(answer.version)})"
    answer_console().print(f"{what} is {answer.state}")


def _start(
    script: Annotated[
        str,
        typer.Argument(
            metavar="SCRIPT",
            help="Name, class or hash of a script that the engine has (see `live scripts`), or a .py file here, which "
            "is uploaded first.",
        ),
    ],
    strategy_id: Annotated[
        str,
        typer.Option(
            "--id", metavar="ID", help="Id to run under. (default: the script's name)", show_default=False
        ),
    ] = "",
    config: Config = None,
    on_failure: Annotated[
        str, typer.Option(help="What becomes of its positions if it dies: hold or flatten.")
    ] = "hold",
    warm_up: Annotated[
        bool, typer.Option("--warm-up/--no-warm-up", help="Show it the newest prices before it starts.")
    ] = True,
    url: Url = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Start a strategy; one that runs is swapped for the other version or config, without a gap.

    Example: workbench live start momentum --id fast -c lookback=20
    """
    with engine_at(url, data) as engine:
        wanted = _uploaded(engine, script)
        _told(
            engine.start(
                wanted, strategy_id, config=read_parameters(config), on_failure=on_failure, warm_up=warm_up
            ),
            json,
        )


def _uploaded(engine: EngineClient, script: str) -> str:
    """What the engine knows the script by; a file here is uploaded, unless it is one of the engine's own."""
    path = Path(script)
    if path.suffix != ".py" or not path.is_file():
        return script
    return engine.upload(path).source_hash


def _stop(
    strategy_id: StrategyId,
    flatten: Flatten = False,
    reason: Reason = "",
    url: Url = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Stop a strategy: its orders are cancelled, what it holds stays (or is closed with --flatten).

    Example: workbench live stop fast --flatten --reason "done for today"
    """
    with engine_at(url, data) as engine:
        _told(engine.stop(strategy_id, flatten=flatten, reason=reason), json)


def _pause(strategy_id: StrategyId, url: Url = None, data: Data = None, json: Json = False) -> None:
    """Show a strategy no more prices; its orders and positions stay.

    Example: workbench live pause fast
    """
    with engine_at(url, data) as engine:
        _told(engine.pause(strategy_id), json)


def _resume(strategy_id: StrategyId, url: Url = None, data: Data = None, json: Json = False) -> None:
    """Show a paused strategy prices again.

    Example: workbench live resume fast
    """
    with engine_at(url, data) as engine:
        _told(engine.resume(strategy_id), json)


def _upload(
    script: Annotated[Path, typer.Argument(metavar="FILE.py", help="A script with exactly one strategy.")],
    url: Url = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Hand the engine a strategy script; start it afterwards by its name, class or hash.

    Example: workbench live upload strategies/momentum.py
    """
    with engine_at(url, data) as engine:
        kept = engine.upload(script)
    if json:
        print_json(kept)
        return
    what = f"{clean(kept.name)}: {clean(kept.strategy_name)} {clean(kept.version)}"
    answer_console().print(f"{what}, kept as {clean(kept.source_hash[:12])}")


def _scope(strategy: str, venue: str) -> tuple[str, str]:
    if strategy and venue:
        raise ConfigError("expected --strategy or --venue, found both")
    return ("strategy", strategy) if strategy else ("venue", venue) if venue else ("all", "")


def _kill(
    only: Annotated[
        str, typer.Argument(metavar="STRATEGY", help="This strategy alone.", show_default=False)
    ] = "",
    strategy: OneStrategy = "",
    venue: OneVenue = "",
    flatten: Flatten = False,
    reason: Reason = "kill switch on the command line",
    url: Url = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Stop everything at once, or one strategy or venue: orders cancelled, new ones refused, until `live reset`.

    Example: workbench live kill fast --flatten --reason "what is it doing?"
    """
    if only and strategy and only != strategy:
        raise ConfigError(f"expected one strategy, found {only} and {strategy}")
    scope, target = _scope(only or strategy, venue)
    with engine_at(url, data) as engine:
        done = engine.kill(reason, scope=scope, target=target, flatten=flatten)
    if json:
        print_json(done)
        return
    what = f"{scope} {clean(target)}".strip()
    closing = f", {done.closing} closing" if flatten else ""
    answer_console().print(f"[red]killed {what}[/]: {done.cancelled} orders cancelled{closing}")


def _reset(
    reason: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="Why it may trade again, for those who read the audit log; needed."
        ),
    ],
    strategy: OneStrategy = "",
    venue: OneVenue = "",
    only: Annotated[
        str, typer.Option(metavar="WHAT", help="kill: breakers stay latched; breakers: a kill goes on.")
    ] = "",
    url: Url = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Unlatch breakers and end a kill: for everything, or for one strategy or venue (needs the role risk).

    What a breaker that was latched looks at (today's loss, a drawdown ...) counts anew from there.

    Example: workbench live reset --strategy fast --reason "the feed is sound again"
    """
    scope, target = _scope(strategy, venue)
    if only not in ("", "kill", "breakers"):
        raise ConfigError(f"--only: expected kill or breakers, found {only!r}")
    done: list[str] = []
    with engine_at(url, data) as engine:
        risk = engine.risk()
        strategies = risk.halted_strategies
        stops = [risk.halted, *strategies.values()] if scope == "all" else [strategies.get(target, ())]
        latched = tuple(dict.fromkeys(name for names in stops for name in names if name != "kill_switch"))
        if (
            scope != "venue" and latched and only != "kill"
        ):  # before the kill ends, or they would liquidate in between
            engine.circuit_breaker("reset", reason, strategy_id=target)
            done.append(f"breakers ({', '.join(latched)})")
        killed = any((kill.scope, kill.target) == (scope, target) for kill in risk.kills)
        if killed and only != "breakers":
            engine.reset_kill(reason, scope=scope, target=target)
            done.append("kill")
    if json:
        print_json({"scope": scope, "target": target, "reset": done})
        return
    what = f"{scope} {clean(target)}".strip()
    nothing = {"kill": "no kill is in force", "breakers": "no breaker is latched"}.get(
        only, "nothing is latched"
    )
    answer_console().print(f"{what}: {clean(' and '.join(done))} reset" if done else f"{what}: {nothing}")


def _limits(
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a limit, as notional_limits.per_strategy=500000; off switches it off. May be repeated.",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Put the limits of a YAML file in force; what it leaves out stays.",
            show_default=False,
        ),
    ] = None,
    reason: Reason = "",
    url: Url = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show the limits in force as YAML, or change them (needs the role risk).

    Example: workbench live limits --set order_limits.max_order_value=50000 --reason "a quiet week"
    """
    import yaml

    with engine_at(url, data) as engine:
        if not change and file is None:
            found = engine.limits()
            if json:
                print_json(found)
            else:
                typer.echo(yaml.safe_dump({"risk_limits": found.limits}, sort_keys=False).rstrip())
            return
        done = engine.set_limits(_changes(change or (), file), reason=reason)
    if json:
        print_json(done)
        return
    console = answer_console()
    for key in done.changed:
        console.print(
            f"{clean(key)} changed{' [yellow](permits more than before)[/]' if key in done.looser else ''}"
        )
    if not done.changed:
        console.print("these limits are in force already")


def _changes(given: Sequence[str], file: Path | None) -> dict[str, Any]:
    """A table of limits out of a file and dotted keys, the latter first."""
    import yaml

    table: dict[str, Any] = {}
    if file is not None:
        try:
            found = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise ConfigError(f"{file}: expected limits in YAML: {error}") from error
        table = found.get("risk_limits", found) if isinstance(found, dict) else {}
    for entry in given:
        dotted, sign, text = entry.partition("=")
        if not sign or not dotted.strip():
            raise ConfigError(
                f"--set: expected key=value, as notional_limits.per_strategy=500000, found {entry!r}"
            )
        place = table
        *tables, name = dotted.strip().split(".")
        for key in tables:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise ConfigError(f"--set: {key} in {dotted!r} is no table of limits")
        place[name] = yaml.safe_load(text) if text.strip() else None
    return table
