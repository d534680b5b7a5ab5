"""A plan is a value: whatever the process, its hash seed, its parallelism and the order of replies, the same bytes."""

import json
import random
from pathlib import Path

import anyio
import pytest

from holystone.embedded.quirks import Quirks
from holystone.embedded.recording import RecordedRequest
from tests.promises.conftest import Open
from tests.support.command_line import now
from tests.support.plan_files import content
from tests.support.tiny_project import tiny_project


def normalised(file: Path) -> bytes:
    """The moment at which ages are judged is the one thing that may differ, and the hash, which is of that too."""
    plan = content(file)
    assert plan.pop("as_of") > 0
    assert plan.pop("hash")
    return json.dumps(plan).encode()  # in the file's order


async def jitter(_: RecordedRequest) -> None:
    await anyio.sleep(random.random() / 100)


def test_replies_in_any_order(open_bench: Open, quirks: Quirks, tmp_path: Path) -> None:
    shop = open_bench(quirks=quirks, latency=jitter)
    tiny_project(shop.project, shop.registry.storage, now=now(), rich=True)
    plans = []
    for number, limit in enumerate(("1", "7", "-1")):
        file = tmp_path / f"{number}.json"
        ran = shop.cleanup(
            f"--plan-out={file}", f"--parallel-tasks-limit={limit}", f"--cache-dir={tmp_path / str(number)}"
        )
        assert ran.code == 0, ran
        plans.append(normalised(file))
    assert plans[0] == plans[1] == plans[2]


@pytest.mark.slow
def test_processes_with_other_hash_seeds(open_bench: Open, tmp_path: Path) -> None:
    shop = open_bench()
    tiny_project(shop.project, shop.registry.storage, now=now(), rich=True)
    plans = []
    for seed in ("0", "1", "12345"):
        file = tmp_path / f"{seed}.json"
        ran = shop.spawn("cleanup", *shop.addresses(), f"--plan-out={file}", env={"PYTHONHASHSEED": seed})
        assert ran.code == 0, ran
        plans.append(normalised(file))
    assert plans[0] == plans[1] == plans[2]
