"""Another run that is at work, as far as its locks say so."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holystone.adapters.state.sqlite import FileLocks
from holystone.engine.model.references import Repository


@contextmanager
def another_run(state: Path, run_id: str, *repositories: Repository) -> Iterator[None]:
    held = asyncio.run(FileLocks(state).take(run_id, repositories))
    try:
        yield
    finally:
        held.release()
