"""The dashboard asks only for what exists, and shows all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from live.metrics import FAMILIES
from tests.live.metrics.expressions import metric_names

GRAFANA = Path(__file__).parents[3] / "config" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "trading_engine.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
SUFFIXES = ("_bucket", "_sum", "_count")
OF_PROMETHEUS = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total"}


def _expressions() -> Iterator[str]:
    for panel in PANELS:
        yield from (target["expr"] for target in panel["targets"])
    yield from (note["expr"] for note in DASHBOARD["annotations"]["list"])
    for variable in DASHBOARD["templating"]["list"]:
        yield variable["query"]["query"].removeprefix("label_values(").partition(",")[0]


def _family(name: str) -> str:
    histograms = {family.name for family in FAMILIES if family.kind == "histogram"}
    for suffix in SUFFIXES:
        if name.removesuffix(suffix) in histograms:
            return name.removesuffix(suffix)
    return name


ASKED = {_family(name) for expression in _expressions() for name in metric_names(expression)}


def test_every_metric_that_is_asked_for_exists() -> None:
    assert ASKED <= {family.name for family in FAMILIES} | OF_PROMETHEUS


def test_every_family_is_on_a_panel() -> None:
    assert {family.name for family in FAMILIES} <= ASKED


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_is_and_uses_labels_that_exist(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "prometheus"}
    for target in panel["targets"]:
        labels = {
            label
            for name in metric_names(target["expr"])
            for family in FAMILIES
            if family.name == _family(name)
            for label in family.labels
        }
        shown = {part.partition("}}")[0] for part in target["legendFormat"].split("{{")[1:]}
        assert shown <= labels | {"instance"}


def test_panels_do_not_overlap_and_have_numbers_of_their_own() -> None:
    everything = DASHBOARD["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_grafana_finds_prometheus_and_the_dashboard_by_what_is_provisioned() -> None:
    sources = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())
    (source,) = sources["datasources"]
    assert (source["uid"], source["type"], source["url"]) == (
        "prometheus",
        "prometheus",
        "http://prometheus:9090",
    )
    providers = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "trading.yml").read_text())
    (provider,) = providers["providers"]
    compose = yaml.safe_load((GRAFANA.parents[1] / "compose.yaml").read_text())
    mounts = compose["services"]["grafana"]["volumes"]
    assert f"./config/grafana/dashboards:{provider['options']['path']}:ro" in mounts
    assert "prometheus" in compose["services"]
