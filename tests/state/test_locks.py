"""Locks where the system does not give what they need."""

import asyncio
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holystone.adapters.state.sqlite import FileLocks
from holystone.engine.errors import HolystoneError
from tests.support.another_run import another_run
from tests.support.memory_registry import repository

APP = repository()
ENOUGH = 400


@contextmanager
def _descriptors_left(number: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.open(os.devnull, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (ENOUGH, limits[1]))
    try:
        while True:
            try:
                taken.append(os.dup(taken[0]))
            except OSError:
                break
        for each in [taken.pop() for _ in range(number)]:
            os.close(each)
        yield
    finally:
        for each in taken:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_who_cannot_see_the_claims_of_others_takes_nothing(tmp_path: Path) -> None:
    """The last descriptors are those of an event loop, the run's own lock, and the lock on looking."""
    with another_run(tmp_path, "one", APP), asyncio.Runner() as runner:
        runner.run(asyncio.sleep(0))
        with _descriptors_left(2), pytest.raises(HolystoneError, match="locks of runs cannot be used"):
            runner.run(FileLocks(tmp_path).take("two", [repository("other")]))
    assert [*tmp_path.iterdir()] == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(tmp_path: Path) -> None:
    with another_run(tmp_path, "one", APP):
        tmp_path.chmod(0o300)
        try:
            with pytest.raises(HolystoneError, match="locks of runs cannot be used"):
                asyncio.run(FileLocks(tmp_path).take("two", [APP]))
        finally:
            tmp_path.chmod(0o700)


async def test_a_lock_whose_file_cannot_be_removed_is_given_back(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    held = await FileLocks(folder).take("one")
    shutil.rmtree(folder)
    folder.write_text("")
    held.release()
    folder.unlink()
    (await FileLocks(folder).take("one")).release()
