"""Room for large bodies: in which order it is given out."""

import anyio
from anyio.abc import TaskGroup

from holystone.adapters.http.bodies import Bodies


class Readers:
    def __init__(self, room: int, tasks: TaskGroup) -> None:
        self._bodies = Bodies(room)
        self._tasks = tasks
        self._done: dict[str, anyio.Event] = {}
        self.reading: list[str] = []

    async def comes(self, who: str, size: int) -> None:
        self._done[who] = anyio.Event()
        self._tasks.start_soon(self._read, who, size)
        await anyio.wait_all_tasks_blocked()

    async def is_done(self, who: str) -> None:
        self._done[who].set()
        await anyio.wait_all_tasks_blocked()

    async def _read(self, who: str, size: int) -> None:
        async with self._bodies._take(size):
            self.reading.append(who)
            await self._done[who].wait()
            self.reading.remove(who)


async def test_who_needs_much_is_not_passed_by_those_who_need_little() -> None:
    """Thousands of large manifests, which whoever may push can make, would hold up a list until all are read."""
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            readers = Readers(4, tasks)
            await readers.comes("one", 2)
            await readers.comes("two", 2)
            await readers.comes("list", 4)
            await readers.comes("three", 2)
            await readers.comes("four", 2)
            await readers.is_done("one")
            assert readers.reading == ["two"]
            await readers.is_done("two")
            assert readers.reading == ["list"]
            await readers.is_done("list")
            assert readers.reading == ["three", "four"]
            tasks.cancel_scope.cancel()


async def test_who_gives_up_waiting_holds_up_nobody() -> None:
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            readers = Readers(4, tasks)
            await readers.comes("one", 2)
            with anyio.move_on_after(0.01):
                await readers._read("list", 4)
            await readers.comes("two", 2)
            assert readers.reading == ["one", "two"]
            tasks.cancel_scope.cancel()
