"""The last part of the demo, with real processes: certified, refused without, promoted, and live is as its replay."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from workbench.cli.demo.promotion_run import (
    Agreed,
    Certified,
    PromotionDemo,
    promotion_steps,
    run_promotion,
)
from workbench.cli.demo.promotion_tables import promotion_as_json, promotion_story, show_promotion
from workbench.cli.demo_command import exit_status
from workbench.configuration import load_limits

ROOT = Path(__file__).parents[2]
LIMITS = ROOT / "config" / "risk_limits.yaml"


def made_up() -> PromotionDemo:
    """A story in which all went well."""
    agreed = Agreed(88, 13_010.2, {"latency": 5}, 0.0, 0.0, True, 4.1)
    return PromotionDemo(
        Certified(48, (), "573f595ec1914e45", 17.5), "no certificate here", 0.1, agreed, 0, 30.0
    )


def test_what_is_certified_is_promoted_trades_and_agrees_with_its_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_KEYS", str(tmp_path / "not-touched"))
    monkeypatch.setenv("REQUIRE_CERTIFICATE", "false")  # what is set for another engine does not count
    said: list[str] = []

    demo = run_promotion(ROOT / "strategies", LIMITS, load_limits(LIMITS), said.append)

    assert all(good for _, _, good in promotion_story(demo)), promotion_story(demo)
    assert not list(tmp_path.iterdir())
    assert len(said) == promotion_steps()
    assert demo.status == 0
    assert demo.certified.checks > 40
    assert "has no certificate here" in demo.refused
    assert demo.share == 0.1  # the first step of config/certification.yaml
    assert demo.agreed is not None
    assert demo.agreed.fills >= 4
    assert demo.agreed.unexplained_pnl == demo.agreed.unexplained_bps == 0.0
    assert set(demo.agreed.causes) <= {"latency", "data"}  # a busy machine answers late


@pytest.mark.parametrize("width", [80, 150])
def test_what_is_shown_fits_the_screen(width: int) -> None:
    text = StringIO()
    show_promotion(made_up(), Console(file=text, width=width))
    assert max(map(len, text.getvalue().splitlines())) <= width
    assert "…" not in text.getvalue()
    assert "NO" not in text.getvalue()
    assert "0.00 bps" in " ".join(text.getvalue().split())
    assert "5 differ by latency" in " ".join(text.getvalue().split())


@pytest.mark.parametrize(
    "change",
    [
        {"certified": Certified(48, ("look_ahead_prefix",), "", 17.5), "agreed": None},
        {"refused": ""},
        {"share": 1.0},
        {"agreed": None},
        {"agreed": Agreed(88, 13_010.2, {"unexplained": 1}, 3.0, 2.3, False, 4.1)},
        {"agreed": Agreed(0, 0.0, {}, 0.0, 0.0, True, 4.1)},
    ],
)
def test_what_went_wrong_is_shown_and_is_the_exit_status(change: dict[str, object]) -> None:
    wrong = msgspec.structs.replace(made_up(), **change)
    text = StringIO()
    show_promotion(wrong, Console(file=text, width=150))
    assert "NO" in text.getvalue()
    assert (exit_status(None, made_up()), exit_status(None, wrong)) == (0, 1)


def test_json_has_the_figures() -> None:
    answer = json.loads(json.dumps(promotion_as_json(made_up())))
    assert answer["certified"]["checks"] == 48
    assert answer["agreed"]["causes"] == {"latency": 5}
    assert answer["good"] is True
