"""Work that goes on: begun again, told, and well again once it runs steadily."""

from __future__ import annotations

import asyncio

from live.tasks import Tasks
from tests.live.engine.desk import until
from workbench.errors import JournalFailed


def test_what_raises_is_begun_again_and_told_until_it_runs_steadily() -> None:
    async def main() -> None:
        tasks, begun = Tasks(first_wait_s=0.01, steady_s=0.1), 0

        async def work() -> None:
            nonlocal begun
            begun += 1
            if begun < 4:
                raise ValueError(f"no {begun}")
            await asyncio.sleep(60.0)

        task = tasks.keep("clock", work)
        await until(lambda: begun == 4)
        assert tasks.failures == {"clock": 3}
        assert tasks.problems == {"clock": "failed 3 times, begun again: ValueError: no 3"}
        await until(lambda: not tasks.problems)
        await tasks.close()
        assert task.cancelled()
        assert tasks.failures == {"clock": 3}

    asyncio.run(main())


def test_what_returns_is_done_and_what_is_cancelled_is_no_failure() -> None:
    async def main() -> None:
        tasks = Tasks()
        await tasks.keep("clock", lambda: asyncio.sleep(0.0))
        task = tasks.keep("clock", lambda: asyncio.sleep(60.0))
        never_begun = tasks.once("strategies", asyncio.sleep(60.0))
        never_begun.cancel()
        await asyncio.sleep(0.0)
        task.cancel()
        await asyncio.gather(task, never_begun, return_exceptions=True)
        assert tasks.failures == {"clock": 0, "strategies": 0}
        assert not tasks.problems

    asyncio.run(main())


def test_work_that_is_done_once_is_told_of_and_somebody_sees_to_it() -> None:
    async def fails(error: Exception) -> None:
        raise error

    async def main() -> None:
        tasks, seen = Tasks(), list[BaseException]()
        error = KeyError("x")
        task = tasks.once("strategies", fails(error), seen.append)
        await asyncio.gather(task, return_exceptions=True)
        assert seen == [error]
        assert tasks.problems == {"strategies": "gave up: KeyError: 'x'"}
        halted = JournalFailed("the disk is full", "full", final=False)  # which the engine tells by itself
        await asyncio.gather(tasks.once("strategies", fails(halted), seen.append), return_exceptions=True)
        assert (seen, tasks.failures) == ([error], {"strategies": 1})

    asyncio.run(main())
