"""Reports: parameterised notebooks, run by papermill, on schedule or by hand, delivered and kept.

    run_report("strategy_tearsheet", {"strategy": "strategies/momentum.py"})   # a Run, in reports/output

A run happens in a process of its own with a time limit, appears whole or not at all, and where it fails its executed
notebook is kept with the number of the cell.  `Schedule` runs the jobs of config/reports.yaml.
"""

from workbench.reporting.library import Library, Run
from workbench.reporting.notebooks import Report, report_folder, reports_in
from workbench.reporting.runner import run_report

__all__ = ["Library", "Report", "Run", "report_folder", "reports_in", "run_report"]
