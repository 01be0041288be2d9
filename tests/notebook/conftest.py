"""A real kernel, as JupyterLab has one, and what its cells answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jupyter_client.manager import KernelManager

PATIENCE_S = 120.0


class Ran(NamedTuple):
    """What came of one cell.  html, text: of everything that it displayed.  status: ok or error."""

    status: str
    html: str
    text: str
    error: str
    kinds: tuple[str, ...]


class Kernel:
    """Runs cells in a kernel that lives as long as the module's tests."""

    def __init__(self, folder: Path) -> None:
        self.manager = KernelManager(kernel_name="python3", transport="ipc", ip=str(folder / "k"))
        self.manager.start_kernel(cwd=str(folder))
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE_S)

    def send(self, code: str) -> str:
        return str(self.client.execute(code))

    def run(self, code: str) -> Ran:
        return self.answer(self.send(code))

    def answer(self, message_id: str) -> Ran:
        """What came of the cell with this number."""
        html, text, kinds = [], [], []
        while True:
            message: Any = self.client.get_iopub_msg(timeout=PATIENCE_S)
            if message["parent_header"].get("msg_id") != message_id:
                continue
            kind, content = message["msg_type"], message["content"]
            kinds.append(kind)
            if kind in ("display_data", "execute_result"):
                html.append(content["data"].get("text/html", ""))
                text.append(content["data"].get("text/plain", ""))
            elif kind == "stream":
                text.append(content["text"])
            elif kind == "error":
                text.append("\n".join(content["traceback"]))
            elif kind == "status" and content["execution_state"] == "idle":
                break
        message = self.client.get_shell_msg(timeout=PATIENCE_S)
        while message["parent_header"].get("msg_id") != message_id:
            message = self.client.get_shell_msg(timeout=PATIENCE_S)
        reply = message["content"]
        return Ran(reply["status"], "".join(html), "\n".join(text), reply.get("ename", ""), tuple(kinds))

    def end(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """With `%load_ext workbench` done, in a folder of its own."""
    found = Kernel(tmp_path_factory.mktemp("kernel"))
    try:
        assert found.run("import workbench as wb\n%load_ext workbench").status == "ok"
        yield found
    finally:
        found.end()
