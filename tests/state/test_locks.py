"""Locks where the system does not give what they need."""

import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holystone.adapters.state.sqlite.file_locks import lock_repositories, lock_run
from holystone.engine.errors import HolystoneError
from tests.support.memory_registry import repository

APP = repository()
ENOUGH = 400


@contextmanager
def _one_descriptor_left() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.open(os.devnull, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (ENOUGH, limits[1]))
    try:
        while True:
            try:
                taken.append(os.dup(taken[0]))
            except OSError:
                break
        os.close(taken.pop())
        yield
    finally:
        for each in taken:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_who_cannot_see_the_claims_of_others_takes_nothing(tmp_path: Path) -> None:
    with (
        lock_repositories(tmp_path, [APP], "one"),
        _one_descriptor_left(),
        pytest.raises(HolystoneError, match="locks of runs cannot be used"),
    ):
        lock_repositories(tmp_path, [APP], "two")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(tmp_path: Path) -> None:
    with lock_repositories(tmp_path, [APP], "one"):
        tmp_path.chmod(0o300)
        try:
            with pytest.raises(HolystoneError, match="locks of runs cannot be used"):
                lock_repositories(tmp_path, [APP], "two")
        finally:
            tmp_path.chmod(0o700)


def test_a_lock_whose_file_cannot_be_removed_is_given_back(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    lock = lock_run(folder, "one")
    shutil.rmtree(folder)
    folder.write_text("")
    lock.release()
    folder.unlink()
    lock_run(folder, "one").release()
