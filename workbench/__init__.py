"""Research workbench and live trading engine on one rulebook."""

__version__ = "0.1.0"
