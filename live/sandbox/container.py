"""Isolation `container`: each strategy in a container of its own, by docker or podman.

Inside, the process confines itself as in the sandbox: the container's own limits may not be in force everywhere.
"""

from __future__ import annotations

import asyncio
import base64
import io
import logging
import os
import shutil
import signal
import socket
import sys
import tarfile
from collections.abc import Callable
from typing import Final

import msgspec

from live.sandbox.contract import Layer, Level, SandboxSettings
from live.sandbox.forked import confinement_of, level_of
from live.sandbox.frames import encode
from live.sandbox.interpreter import code_roots, readable_paths
from workbench.errors import SandboxError

__all__ = ["ContainerLauncher"]

INSTALL: Final = "install one (on Debian: apt-get install podman) and see that its service runs"
_EMPTY: Final = "localhost/workbench-empty:1"
_LABEL: Final = "workbench.owner"
_ANSWER_S: Final = 60.0
_log = logging.getLogger(__name__)


class ContainerLauncher:
    """Containers with no network and nothing but this machine's interpreter, mounted read-only; or with an image."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings
        self._order = confinement_of(settings)
        self._program = settings.container_program
        self._waiting: set[asyncio.Task[None]] = set()
        self.level = Level.NONE
        self.layers: frozenset[Layer] = frozenset()
        self.missing: tuple[str, ...] = ()
        self.host_pid = 0
        self.host_restarts = 0

    async def start(self) -> None:
        self._program = await self._find()
        listed = await self._ask("ps", "-aq", "--filter", f"label={_LABEL}={self._settings.owner}")
        strays = listed.decode().split()
        if strays:
            _log.warning("%d containers of an earlier engine are removed", len(strays))
            await self._ask("rm", "-f", *strays)
        if not self._settings.container_image:
            await self._make_empty_image()
        name = f"{self._settings.owner}-{os.getpid()}-proof"
        answer = await self._ask(*self._run(name), *self._python("prove()"))
        found = msgspec.json.decode(answer, type=dict[Layer, str])
        self.layers = frozenset(layer for layer, why in found.items() if not why)
        self.missing = tuple(why for why in found.values() if why)
        inside = level_of(self.layers | {Layer.BUBBLEWRAP})
        self.level = Level.CONTAINER if inside is Level.BUBBLEWRAP else inside
        self._order = msgspec.structs.replace(self._order, layers=self.layers)

    async def _find(self) -> str:
        """The program that works.  Raises SandboxError."""
        found = [self._program] if self._program else [p for p in ("docker", "podman") if shutil.which(p)]
        problem = "there is neither docker nor podman on PATH"
        for program in found:
            try:
                await self._ask("info", program=program)
            except SandboxError as error:
                problem = str(error)
            else:
                return program
        raise SandboxError(f"isolation 'container': {problem}; {INSTALL}, or use isolation 'sandbox'")

    async def _ask(self, *words: str, program: str = "", given: bytes = b"") -> bytes:
        """What the program answers on its standard output.  Raises SandboxError where it fails."""
        command = [program or self._program, *words]
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise SandboxError(f"{command[0]}: {error}") from error
        try:
            answer, complaint = await asyncio.wait_for(process.communicate(given), _ANSWER_S)
        except TimeoutError as error:
            process.kill()
            raise SandboxError(f"{command[0]} {words[0]}: no answer within {_ANSWER_S:.0f} s") from error
        if process.returncode != 0:
            said = " ".join((complaint or answer).decode("utf-8", "replace").split())[-300:]
            raise SandboxError(f"{command[0]} {words[0]}: {said or f'status {process.returncode}'}")
        return answer

    async def _make_empty_image(self) -> None:
        """An image that holds a folder to mount things on: made here, so that no registry is asked."""
        try:
            await self._ask("image", "inspect", _EMPTY)
        except SandboxError:
            content = io.BytesIO()
            with tarfile.open(fileobj=content, mode="w") as archive:
                for folder in ("tmp", "proc", "dev", "etc"):
                    entry = tarfile.TarInfo(folder)
                    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                    archive.addfile(entry)
            await self._ask("import", "-", _EMPTY, given=content.getvalue())

    def _run(self, name: str) -> list[str]:
        """`run` with everything that can be forbidden forbidden, up to the image."""
        settings = self._settings
        mounts = [] if settings.container_image else readable_paths()
        megabytes = settings.memory_mb + 512  # beyond what the interpreter and its libraries take
        return [
            *("run", "--rm", "--interactive", "--name", name, "--label", f"{_LABEL}={settings.owner}"),
            *("--network", "none", "--read-only", "--tmpfs", "/tmp:rw,size=16m", "--workdir", "/"),
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65534:65534"),
            *(
                "--ulimit",
                "nofile=64:64",
                "--ulimit",
                "nproc=1024:1024",
                "--log-driver",
                "none",
                "--pull",
                "never",
            ),
            *(() if settings.container_options else ("--memory", f"{megabytes}m", "--pids-limit", "16")),
            *settings.container_options,
            *(word for path in mounts for word in ("--volume", f"{path}:{path}:ro")),
            settings.container_image or _EMPTY,
        ]

    def _python(self, call: str) -> list[str]:
        order = base64.b64encode(encode(self._order)).decode()
        roots = [] if self._settings.container_image else code_roots()
        executable = "python3" if self._settings.container_image else sys.executable
        code = f"import sys; sys.path[:0] = {roots!r}; from live.sandbox.boot import Alone; Alone({order!r}).{call}"
        return [executable, "-I", "-B", "-c", code]

    async def launch(self, number: int, name: str, channel: socket.socket, output: int) -> _Container:
        called = f"{self._settings.owner}-{os.getpid()}-{number}"
        try:
            client = await asyncio.create_subprocess_exec(
                self._program,
                *self._run(called),
                *self._python("run()"),
                stdin=channel.fileno(),
                stdout=channel.fileno(),
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxError(f"{name}: no container can be started: {error}") from error
        container = _Container(called, client, self._end)
        self._keep(container.wait())
        try:
            container.pid = await self._pid(called, client)
        except BaseException:
            container.kill()
            raise
        return container

    async def _pid(self, name: str, client: asyncio.subprocess.Process) -> int:
        """Of its first process, once it runs.  Raises SandboxError."""
        deadline = asyncio.get_running_loop().time() + _ANSWER_S
        while client.returncode is None and asyncio.get_running_loop().time() < deadline:
            try:
                pid = int(await self._ask("inspect", "--format", "{{.State.Pid}}", name))
            except SandboxError:
                pid = 0  # not there yet
            if pid:
                return pid
            await asyncio.sleep(0.02)
        raise SandboxError(f"container {name} did not start (client's status {client.returncode})")

    def _keep(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]  # a coroutine
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    def _end(self, name: str) -> None:
        self._keep(self._remove(name))

    async def _remove(self, name: str) -> None:
        try:
            await self._ask("rm", "-f", name)
        except SandboxError as error:
            _log.debug("%s", error)  # gone by itself meanwhile

    def close(self) -> None:
        """Containers end with their workers; those of a killed engine when their input ends."""


class _Container:
    """A container as a process.  pid: of its first process, as this machine counts."""

    def __init__(self, name: str, client: asyncio.subprocess.Process, end: Callable[[str], None]) -> None:
        self.pid = 0
        self._name, self._client, self._end = name, client, end
        self._status: list[int] = []
        self._on_exit: Callable[[int | None], None] | None = None

    def when_gone(self, on_exit: Callable[[int | None], None]) -> None:
        self._on_exit = on_exit
        if self._status:
            on_exit(self._status[0])

    def kill(self) -> None:
        if not self._status:
            self._end(self._name)

    async def wait(self) -> None:
        code = await self._client.wait()
        # A shell's way to say that a signal ended it.
        died = code - 128 if code > 128 else -code if code < 0 else 0
        self._status.append(died if died in signal.valid_signals() and died else (code & 0xFF) << 8)
        if self._on_exit is not None:
            self._on_exit(self._status[0])
