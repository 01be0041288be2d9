"""The OpenAPI document says what the engine does: schemathesis asks everything that it describes, and more."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.live.api.server import Served, serve

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own dependencies' affairs
    import schemathesis
    from schemathesis.core.result import Ok
    from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

SHORT, LONG = 3, 150  # requests for each operation
# Which of them might stop the engine of this test, or make others wait, is left to other tests.
APART = {"/api/v1/backtest/start"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "live.api.buckets._FAILURES", 1e9
        )  # schemathesis tries wrong tokens, and expects 401 for each
        yield from _serving(tmp_path_factory.mktemp("engine"))


def _serving(folder: Path) -> Iterator[Served]:
    with serve(folder) as found:
        found.client.post("/api/v1/strategies/start", json={"script": "trader"})
        yield found


def _ask_everything(served: Served, examples: int) -> int:
    document = served.client.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=served.address)
    asked = 0
    for operation in (result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)):
        if operation.path in APART:
            continue
        asked += _ask(served, operation.as_strategy(), examples)
        if operation.body or operation.query or operation.headers:  # something that can be wrong
            wrong = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
            asked += _ask(served, wrong, examples)
    return asked


def _ask(served: Served, strategy: Any, examples: int) -> int:
    count = 0

    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=strategy)
    def ask(case: Any) -> None:
        nonlocal count
        count += 1
        answer = case.call(headers={"Authorization": f"Bearer {served.admin}"})
        # A body may fit its schema and name a strategy that is not there; and what is no parameter is not looked at.
        apart = [positive_data_acceptance]
        if not case.operation.body:
            apart.append(negative_data_rejection)
        case.validate_response(answer, excluded_checks=apart)

    ask()
    return count


def test_everything_that_is_described_is_answered_as_described(served: Served) -> None:
    assert _ask_everything(served, SHORT) > 100
    assert served.client.get("/health").json()["state"] == "running"


@pytest.mark.slow
def test_everything_that_is_described_is_answered_as_described_for_long(served: Served) -> None:
    assert _ask_everything(served, LONG) > 2_000
    assert served.client.get("/health").json()["state"] == "running"


def test_the_document_describes_every_route_with_its_answer_and_refusals(served: Served) -> None:
    document = served.client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            good = [code for code in operation["responses"] if code.startswith("2")]
            assert len(good) == 1, (method, path)
            assert "429" in operation["responses"]
            if path != "/health":
                assert operation["security"] == [{"bearer": []}], (method, path)
                assert {"401", "403"} <= operation["responses"].keys()
            if method in ("post", "put"):
                names = [parameter["name"] for parameter in operation["parameters"]]
                assert "Idempotency-Key" in names, (method, path)


def test_the_documentation_shows_every_route_and_loads_nothing(served: Served) -> None:
    answer = served.client.get("/docs")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert "src=" not in answer.text
    for path in served.client.get("/openapi.json").json()["paths"]:
        assert path in answer.text
