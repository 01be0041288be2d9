"""Starting a strategy, swapping a running one, and handing the engine a new script."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

import param

from workbench.configuration.arguments import read_parameters
from workbench.dashboards.state.acting import Acting
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.client import AsyncEngineClient
    from workbench.client.answers import StrategyResponse, StrategyStatus, UploadResponse
    from workbench.dashboards.state.desk_view import Known

__all__ = ["LARGEST_SCRIPT", "Starting", "parameters_of"]

LARGEST_SCRIPT: Final = 256 * 1024
"""Bytes; the engine takes no larger one."""


def parameters_of(text: str) -> dict[str, Any]:
    """A strategy's parameters as people type them: a JSON object, or one key=value on each line.

    Raises ParameterError, which shows how.
    """
    stripped = text.strip()
    if stripped.startswith("{"):
        return read_parameters([stripped], "parameters")
    entries = [line.strip() for line in stripped.replace(",", "\n").splitlines() if line.strip()]
    if any("[" in entry or "{" in entry for entry in entries):  # a value may have commas of its own
        entries = [line.strip() for line in stripped.splitlines() if line.strip()]
    return read_parameters(entries, "parameters")


class Starting(Acting):
    """The form.  swapping: id of the running strategy that is to be swapped, "" to start another one."""

    script = param.String(doc="File name, class or source hash.")
    strategy_id = param.String()
    parameters = param.String(doc="As `parameters_of` reads them.")
    on_failure = param.Selector(default="hold", objects=["hold", "flatten"])  # type: ignore[var-annotated]
    swapping = param.String()
    choices = param.ClassSelector(class_=dict, default={}, doc="What to show of each script: its name.")
    warning = param.String(doc="Why the chosen script cannot be started.")

    @property
    def missing(self) -> str:
        """Why it cannot be started as things are; "" where it can."""
        if not self.viewer.allows("strategy.start"):
            return f"the role {self.viewer.role or 'of nobody'} may not start strategies"
        if not self.script:
            return "choose a script"
        try:
            parameters_of(self.parameters)
        except WorkbenchError as error:
            return str(error)
        return ""

    def see(self, known: Known) -> None:
        """Take over which scripts there are; the chosen one stays, be it no file any more, or not listed yet."""
        found: dict[str, str] = {}
        for name, row in known.scripts.iterrows():
            if not row["broken"] and row["allowed"]:
                mark = ", uploaded" if row["uploaded"] else ""
                found[f"{row['strategy_name']} {row['version']} ({name}{mark})"] = str(name)
        if self.script and self.script not in found.values():
            label = next((shown for shown, name in self.choices.items() if name == self.script), self.script)
            found[label] = self.script
        if found != self.choices:
            self.choices = found
        if not self.script and found:
            self.script = next(iter(found.values()))

    def prepare_swap(self, status: StrategyStatus) -> None:
        """Fill the form with what a running strategy was started with."""
        script = status.script
        if script not in self.choices.values():
            self.choices = {**self.choices, f"{status.strategy_name} {status.version} ({script})": script}
        self.param.update(
            swapping=status.strategy_id,
            script=script,
            strategy_id=status.strategy_id,
            parameters=json.dumps(status.config, indent=1) if status.config else "",
            on_failure=status.on_failure if status.on_failure in ("hold", "flatten") else "hold",
            said="",
            tone="",
        )

    def clear(self) -> None:
        """Back to a form that starts another strategy."""
        self.param.update(swapping="", strategy_id="", parameters="", on_failure="hold", said="", tone="")

    async def start(self) -> bool:
        """Start it, or swap; whether that was done."""
        if missing := self.missing:
            self.tell(f"not done: {missing}", "bad")
            return False
        swapping = self.swapping
        config, script, name = parameters_of(self.parameters), self.script, self.strategy_id.strip()
        on_failure = self.on_failure

        def done(answer: StrategyResponse) -> str:
            what = "was swapped, and is" if swapping else "is"
            return f"{answer.strategy_id} ({answer.strategy_name} {answer.version}) {what} {answer.state}"

        started = await self.carry_out(
            lambda client: client.start(script, swapping or name, config=config, on_failure=on_failure), done
        )
        if started:
            self.param.update(swapping="", strategy_id="", parameters="")
        return started

    async def upload(self, name: str, source: bytes, certificate: bytes = b"") -> bool:
        """Hand the engine a script, with its certificate where it has one; it is then chosen in the form."""
        if not self.viewer.allows("strategy.upload"):
            self.tell(f"not done: the role {self.viewer.role or 'of nobody'} may not upload", "bad")
            return False
        if len(source) > LARGEST_SCRIPT:
            self.tell(
                f"not done: expected at most {LARGEST_SCRIPT // 1024} kB, found {len(source) // 1024} kB",
                "bad",
            )
            return False
        kept: list[UploadResponse] = []

        async def hand_over(client: AsyncEngineClient) -> UploadResponse:
            with tempfile.TemporaryDirectory(prefix="workbench-upload-") as folder:
                path = Path(folder) / (PurePath(name).name or "strategy.py")
                path.write_bytes(source)
                kept.append(await client.upload(path, certificate=certificate.decode("utf-8", "replace")))
                return kept[0]

        if not await self.carry_out(hand_over, _kept):
            return False
        label = f"{kept[0].strategy_name} {kept[0].version} ({kept[0].name}, uploaded)"
        self.choices = {**self.choices, label: kept[0].name}
        self.script = kept[0].name
        return True


def _kept(answer: UploadResponse) -> str:
    certified = f", with certificate {answer.certificate}" if answer.certificate else ""
    return f"kept {answer.name}: {answer.strategy_name} {answer.version}{certified}"
