"""Configuration files, read with errors that name file, line and key."""

from workbench.configuration.limits import dump_limits, load_limits
from workbench.configuration.located import Located, load_yaml, locate

__all__ = ["Located", "dump_limits", "load_limits", "load_yaml", "locate"]
