"""Long work beside the event loop."""

from __future__ import annotations

import asyncio
import threading

from workbench.dashboards.state.work import Progress, Working
from workbench.errors import DataError


def test_the_loop_goes_on_while_something_is_done_and_sees_how_far_it_is() -> None:
    seen: list[float] = []
    beats = 0
    go = threading.Event()

    def call(progress: Progress) -> str:
        progress(1, 4)
        go.wait(20)
        return threading.current_thread().name

    async def scene() -> str | None:
        nonlocal beats
        state = Working()
        state.param.watch(lambda event: seen.append(event.new), "share")
        running = asyncio.create_task(state.work("sweep", call))
        while 0.25 not in seen:
            beats += 1
            await asyncio.sleep(0.01)
        assert state.doing == "sweep"
        assert await state.work("another", lambda _: "never") is None  # one thing at a time
        go.set()
        answer = await running
        assert state.doing == ""
        return answer

    assert asyncio.run(scene()) != threading.main_thread().name
    assert beats > 0
    assert seen[-1] == -1.0


def test_who_stops_it_gets_nothing_and_no_error() -> None:
    async def scene() -> tuple[object, str]:
        state = Working()

        def call(progress: Progress) -> str:
            while True:
                progress(0, 10)
                state.stop()

        return await state.work("sweep", call), state.error

    assert asyncio.run(scene()) == (None, "")


def test_an_error_of_ours_is_its_line_and_another_gives_its_type() -> None:
    async def scene(error: Exception) -> str:
        state = Working()

        def call(_: Progress) -> str:
            raise error

        assert await state.work("sweep", call) is None
        return state.error

    assert asyncio.run(scene(DataError("expected prices,\nfound none"))) == "expected prices, found none"
    assert asyncio.run(scene(ZeroDivisionError("no"))) == "ZeroDivisionError: no"
