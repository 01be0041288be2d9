"""What the tests of plots share: a page made of a plot without a word of complaint."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

Page = Callable[[Any], str]
Made = Callable[[Any], Any]


@pytest.fixture
def figure(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Made:
    """figure(plot): the bokeh model.  Fails where HoloViews or bokeh complain, which they do in their logs."""
    monkeypatch.setattr(logging.getLogger("bokeh"), "propagate", True)
    monkeypatch.setattr(logging.getLogger("param"), "propagate", True)

    def made(plot: Any) -> Any:
        import holoviews as hv
        from bokeh.core.validation import check_integrity, process_validation_issues

        with caplog.at_level(logging.WARNING):
            model = hv.render(plot, backend="bokeh")
            process_validation_issues(check_integrity(model.references()))
        said = [f"{record.name}: {record.getMessage()}" for record in caplog.records]
        assert not said, "\n".join(said)
        return model

    return made


@pytest.fixture
def page(figure: Made) -> Page:
    """page(plot): a page that fetches nothing."""

    def made(plot: Any) -> str:
        from bokeh.embed import file_html
        from bokeh.resources import INLINE

        return str(file_html(figure(plot), INLINE, title="plot"))

    return made
