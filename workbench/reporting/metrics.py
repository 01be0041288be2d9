"""What Prometheus sees of reports, read out of the library when it asks: runs by hand count too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from workbench.errors import ReportError
from workbench.reporting.library import Library

__all__ = ["ReportMetrics", "serve_metrics"]

type Overdue = Callable[[datetime], Mapping[str, float]]


class ReportMetrics(Collector):
    """overdue: seconds by which each job is late, given the time."""

    def __init__(self, library: Library, overdue: Overdue = lambda _: {}) -> None:
        self._library, self._overdue = library, overdue

    def collect(self) -> Iterable[Any]:
        """Families, one line a report."""
        runs = CounterMetricFamily("workbench_report_runs", "Runs that have ended", labels=["report"])
        failures = CounterMetricFamily("workbench_report_failures", "Runs that failed", labels=["report"])
        success = GaugeMetricFamily(
            "workbench_report_last_success_timestamp_seconds",
            "End of the newest run that did not fail, seconds since 1970",
            labels=["report"],
        )
        duration = GaugeMetricFamily(
            "workbench_report_last_duration_seconds", "How long the newest run took", labels=["report"]
        )
        overdue = GaugeMetricFamily(
            "workbench_report_overdue_seconds",
            "How long a scheduled report has been due without having run",
            labels=["report"],
        )
        for name, totals in self._library.totals().items():
            if totals.runs:
                runs.add_metric([name], totals.runs)
                failures.add_metric([name], totals.failures)
                duration.add_metric([name], totals.last_seconds)
            if totals.last_success:
                success.add_metric([name], totals.last_success)
        for name, seconds in self._overdue(datetime.now(UTC)).items():
            overdue.add_metric([name], seconds)
        return (runs, failures, success, duration, overdue)


def serve_metrics(metrics: ReportMetrics, port: int) -> Callable[[], None]:
    """Answer /metrics on loopback; how to end that.  Raises ReportError where the port is taken."""
    registry = CollectorRegistry()
    registry.register(metrics)
    try:
        server, thread = start_http_server(port, "127.0.0.1", registry)
    except OSError as error:
        raise ReportError(
            f"expected port {port} to be free for metrics, found: {error.strerror}; set metrics_port in reports.yaml"
        ) from error

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return end
