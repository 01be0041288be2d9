"""JupyterLab for the workbench: nothing is fetched from elsewhere, and settings lie beside this file."""

import os
from pathlib import Path

c = get_config()  # noqa: F821 - what Jupyter gives to a file of settings

c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.handlers.announcements.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"  # the other one lists what a registry has
c.LabApp.app_settings_dir = os.path.join(Path(__file__).resolve().parents[1], "jupyterlab")
