"""What `workbench lab` starts, and the settings that it starts with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager

from workbench.cli.app import run
from workbench.notebook.kernel import KERNEL, install_kernel
from workbench.notebook.lab import lab_command_line, lab_environment

ROOT = Path(__file__).parents[2]


def test_the_kernel_is_this_environment_by_the_workbench_s_name(tmp_path: Path) -> None:
    folder = install_kernel(tmp_path)
    spec = KernelSpecManager(kernel_dirs=[str(folder.parent)]).get_kernel_spec(KERNEL)
    assert spec.display_name == "Trading workbench"
    assert spec.argv[0] == sys.executable
    before = (folder / "kernel.json").stat().st_mtime_ns
    install_kernel(tmp_path)
    assert (folder / "kernel.json").stat().st_mtime_ns == before


def test_it_opens_the_checkout_with_the_tour_and_hands_on_what_is_for_jupyterlab() -> None:
    command = lab_command_line(ROOT, 8899, browser=False, further=["--IdentityProvider.token=x"])
    assert command[1:] == [
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={ROOT}",
        "--LabApp.default_url=/lab/tree/notebooks/00_tour.ipynb",
        "--ServerApp.port=8899",
        "--no-browser",
        "--IdentityProvider.token=x",
    ]
    assert lab_environment(ROOT)["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0] == str(
        ROOT / "config" / "jupyter"
    )


def test_its_settings_fetch_nothing_and_offer_one_kernel() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "jupyterlab", "--show-config-json", "--allow-root"],
        env=lab_environment(ROOT),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    config = json.loads(shown)
    assert config["LabApp"]["news_url"] is None
    assert config["LabApp"]["check_for_updates_class"].endswith("NeverCheckForUpdate")
    assert config["LabApp"]["extension_manager"] == "readonly"
    overrides = json.loads((Path(config["LabApp"]["app_settings_dir"]) / "overrides.json").read_text())
    assert overrides["@jupyterlab/apputils-extension:notification"] == {
        "fetchNews": "false",
        "checkForUpdates": False,
    }


def test_a_port_that_cannot_be_is_refused() -> None:
    assert run(["lab", "--port", "70000"]) == 2
