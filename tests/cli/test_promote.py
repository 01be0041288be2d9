"""`workbench promote` and `workbench live history STRATEGY` against an engine of its own."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Call
from tests.client.conftest import Running, running
from tests.live.admission.world import script_text

__all__ = ["running"]  # a fixture


def test_a_script_is_promoted_and_has_a_history(call: Call, running: Running, tmp_path: Path) -> None:
    here = ("--url", running.url, "--data", str(running.data))
    script = tmp_path / "watcher.py"
    script.write_text(script_text())
    words = ("promote", str(script), "--uncertified", "--id", "mine", "--reason", "autumn review", *here)
    status, out, err = call(*words)
    assert (status, err) == (0, "")
    assert "mine: Watcher 1 is running" in out
    assert "on trial: step 1 of 3 (10%)" in out
    status, out, _ = call("live", "history", "mine", *here)
    assert status == 0
    assert "autumn review" in out
    (line,) = json.loads(call("live", "history", "mine", "--json", *here).out)
    assert (line["action"], line["share"]) == ("promoted", 0.1)
    status, out, _ = call("live", "demote", "mine", "--reason", "no", *here)
    assert (status, out.strip()) == (0, "mine (Watcher 1) is stopped")


def test_a_certificate_that_is_none_is_one_line(call: Call, running: Running, tmp_path: Path) -> None:
    script, certificate = tmp_path / "watcher.py", tmp_path / "watcher.json"
    script.write_text(script_text())
    certificate.write_text("{}")
    here = ("--url", running.url, "--data", str(running.data))
    status, out, err = call("promote", str(script), "--certificate", str(certificate), *here)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "expected a certificate" in err
