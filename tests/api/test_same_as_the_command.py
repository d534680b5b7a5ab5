"""A program and a person ask for the same thing and get the same plan, however each goes about it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from holystone.api import Holystone, Plan, UsageError
from holystone.engine.model.plan import PlanHead
from holystone.workflows.plan_file import read_plan
from tests.support.command_line import Bench, bench, now
from tests.support.tiny_project import tiny_project

_SCOPES = {"cleanup": {}, "images cleanup": {"stages": False}, "stages cleanup": {"images": False}}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        tiny_project(made.project, made.registry.storage, now=now())
        yield made


@pytest.mark.parametrize("command", _SCOPES)
def test_the_plan_is_that_of_the_command(shop: Bench, command: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    state = tmp_path / "state"
    addresses = shop.addresses()
    assert shop.run(*command.split(), *addresses, "--plan-out", str(file), "--state-dir", str(state)).code == 0
    written, _ = read_plan(file, tmp_path, max_age=60)
    assert any(each.passes for each in written.repositories) or command == "stages cleanup", "all of them are used"

    async def asked() -> Plan:
        options: dict[str, Any] = {
            "images_repo": addresses[1],
            "stages_storage": addresses[3],
            "dir": str(shop.project),
        }
        async with Holystone(environ=shop.environment(), state_dir=str(state), **options) as holystone:
            return await holystone.plan(**_SCOPES[command])

    plan = anyio.run(asked)
    assert _said(plan) == _said(written)
    assert [each.claimed() for each in plan.repositories] == list(written.repositories)


def _said(plan: Plan) -> PlanHead:
    return msgspec.structs.replace(plan.head.claimed([each.repository for each in plan.repositories]), as_of=0)


async def test_a_plan_of_nothing_at_all_is_none(shop: Bench) -> None:
    images, stages = shop.addresses()[1::2]
    options: dict[str, Any] = {"images_repo": images, "stages_storage": stages, "dir": str(shop.project)}
    async with Holystone(environ=shop.environment(), **options) as holystone:
        with pytest.raises(UsageError, match="images or stages"):
            await holystone.plan(images=False, stages=False)
