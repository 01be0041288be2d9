"""The engine service: strategies in sandboxes, several venues, hard risk limits and a journal, round one trading desk.

`workbench live` or `python -m live` starts it. It stands on `workbench.core`, `.configuration`, `.strategy`, `.data`
and `.chaos`, and on nothing above them.
"""
