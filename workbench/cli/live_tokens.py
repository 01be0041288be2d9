"""`workbench live token add | list | revoke`: who may ask the engine, and what for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.live_options import Data
from workbench.cli.live_tables import clean
from workbench.cli.output import answer_console, print_json
from workbench.cli.settings import Json
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from live.api.auth import Tokens

__all__ = ["token_app"]

token_app = typer.Typer(
    help="Tokens of an engine on this machine; a change counts at once, without a restart.",
    no_args_is_help=True,
)

Role = Annotated[str, typer.Option(help="viewer, trader, risk or admin.")]


def _tokens(data: Path | None) -> Tokens:
    """Those in the engine's data folder.  Raises ConfigError where no engine has been started there."""
    from live.api.auth import TOKENS_FILE, Tokens
    from workbench.client.address import data_folder

    folder = data_folder(data)
    if not (folder / TOKENS_FILE).is_file():
        raise ConfigError(
            f"expected an engine's data folder, found no tokens in {folder}; --data names another"
        )
    return Tokens(folder)


@token_app.command("add")
def _add(
    person: Annotated[str, typer.Argument(help="Whose it is; audit lines have this name.")],
    role: Role = "viewer",
    days: Annotated[
        float, typer.Option(metavar="DAYS", min=0.0, help="Days that it is good for; 0: for ever.")
    ] = 90.0,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a token. It is printed this once; the engine keeps only a hash of it.

    Example: workbench live token add ana --role risk --days 30
    """
    from live.api.roles import Role as Roles

    if role.upper() not in Roles.__members__:
        raise ConfigError(f"--role: expected viewer, trader, risk or admin, found {role!r:.40}")
    made = _tokens(data).issue(person, Roles[role.upper()], days)
    if json:
        print_json({"person": person, "role": role.lower(), "token": made})
    else:
        typer.echo(made)


@token_app.command("list")
def _list(data: Data = None, json: Json = False) -> None:
    """Show who has one, with which role, until when; a token itself is kept nowhere."""
    found = _tokens(data).all()
    if json:
        print_json(
            [
                {name: getattr(token, name) for name in ("id", "person", "role", "created_s", "expires_s")}
                for token in found
            ]
        )
        return
    for token in found:
        until = (
            f"until {datetime.fromtimestamp(token.expires_s, UTC):%Y-%m-%d %H:%M} UTC"
            if token.expires_s
            else ""
        )
        answer_console().print(f"{token.id}  {clean(token.person)} ({token.role}) {until}".rstrip())


@token_app.command("revoke")
def _revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.")],
    data: Data = None,
) -> None:
    """End a token at once.

    Example: workbench live token revoke 3f2a
    """
    _tokens(data).revoke(token_id)
    answer_console().print(f"{token_id} is revoked")
