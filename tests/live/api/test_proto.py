"""trading.proto: the committed stubs are what it gives, and its messages have the fields that every protocol has."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest
from google.protobuf.descriptor import Descriptor

from live.api import answers, requests
from live.api.generated import trading_pb2 as pb

ROOT = Path(__file__).parents[3]
GENERATED = ROOT / "live" / "api" / "generated"

# Message: the struct that it stands for.
STRUCTS: dict[str, type[msgspec.Struct]] = {
    "StartStrategyRequest": requests.StartStrategyRequest,
    "StopStrategyRequest": requests.StopStrategyRequest,
    "StrategyResponse": requests.StrategyResponse,
    "StrategyStatus": answers.StrategyStatus,
    "StrategySummary": answers.StrategySummary,
    "ListStrategiesResponse": answers.ActiveStrategies,
    "PositionsResponse": answers.Positions,
    "Position": answers.Position,
    "PortfolioResponse": answers.Portfolio,
    "StrategyPnl": answers.StrategyPnl,
    "ExposureLine": answers.ExposureLine,
    "RiskStatus": answers.RiskStatus,
    "KillView": answers.KillView,
    "VenueRisk": answers.VenueRisk,
    "LimitUse": answers.LimitUse,
    "BreachCount": answers.BreachCount,
    "AlertLine": answers.AlertLine,
    "RiskLimitsRequest": requests.LimitsRequest,
    "RiskLimitsResponse": requests.LimitsResponse,
    "ForceCloseRequest": requests.CloseRequest,
    "ForceCloseResponse": requests.CloseResponse,
    "CircuitBreakerRequest": requests.BreakerRequest,
    "CircuitBreakerResponse": requests.BreakerResponse,
}
APART = {
    "StrategyStatusRequest",
    "ListStrategiesRequest",
    "GetPositionsRequest",
    "GetPortfolioRequest",
    "RiskStatusRequest",
    "StreamEventsRequest",
    "Event",
    "Names",
}
CALLS = {
    "TradingService": {
        "StartStrategy": ("StartStrategyRequest", "StrategyResponse"),
        "StopStrategy": ("StopStrategyRequest", "StrategyResponse"),
        "GetStrategyStatus": ("StrategyStatusRequest", "StrategyStatus"),
        "ListActiveStrategies": ("ListStrategiesRequest", "ListStrategiesResponse"),
        "GetPositions": ("GetPositionsRequest", "PositionsResponse"),
        "GetPortfolio": ("GetPortfolioRequest", "PortfolioResponse"),
        "StreamEvents": ("StreamEventsRequest", "Event"),
    },
    "RiskService": {
        "SetRiskLimits": ("RiskLimitsRequest", "RiskLimitsResponse"),
        "GetRiskStatus": ("RiskStatusRequest", "RiskStatus"),
        "ForcePositionClose": ("ForceCloseRequest", "ForceCloseResponse"),
        "EnableCircuitBreaker": ("CircuitBreakerRequest", "CircuitBreakerResponse"),
    },
}


def test_the_committed_stubs_are_what_the_proto_gives(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            f"--proto_path=live/api/generated={ROOT / 'live' / 'api'}",
            f"--proto_path={files('grpc_tools') / '_proto'}",
            f"--python_out={tmp_path}",
            f"--pyi_out={tmp_path}",
            f"--grpc_python_out={tmp_path}",
            "live/api/generated/trading.proto",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = sorted((tmp_path / "live" / "api" / "generated").iterdir())
    assert len(made) == 3
    for path in made:
        assert path.read_text() == (GENERATED / path.name).read_text(), "run `make proto` and commit"


def test_services_have_the_calls_and_messages_that_are_agreed() -> None:
    assert pb.DESCRIPTOR.package == "trading.v1"
    found = {
        service.name: {m.name: (m.input_type.name, m.output_type.name) for m in service.methods}
        for service in pb.DESCRIPTOR.services_by_name.values()
    }
    assert found == CALLS
    (streamed,) = (
        method.name
        for service in pb.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        if method.server_streaming
    )
    assert streamed == "StreamEvents"


@pytest.mark.parametrize("name", STRUCTS)
def test_a_message_has_the_fields_of_its_struct(name: str) -> None:
    message: Descriptor = pb.DESCRIPTOR.message_types_by_name[name]
    assert {field.name for field in message.fields} == set(STRUCTS[name].__struct_fields__)


def test_every_message_is_looked_at() -> None:
    assert set(pb.DESCRIPTOR.message_types_by_name) == set(STRUCTS) | APART
