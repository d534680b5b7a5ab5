"""A plan file."""

import tempfile
from pathlib import Path

import msgspec

from holystone.engine.errors import HolystoneError
from holystone.engine.model.codec import from_json
from holystone.engine.model.plan import Pass, Plan, PlanHead, RepositoryPlan
from holystone.engine.report.plan_text import plan_lines
from holystone.workflows.plan_file import read_plan, write_plan
from tests.support.memory_registry import digest_of, repository
from tests.support.small_plans import level, plan, remove, repository_plan, untag
from tests.support.spools import FOLDER

_FOLDER = tempfile.TemporaryDirectory(prefix="holystone-fuzz-")
_FILE = Path(_FOLDER.name) / "plan.json"

_AGES = 10**9
_DIGEST = digest_of(b"1")


def _seed() -> bytes:
    steps = Pass("untag", (untag("v1", _DIGEST),)), level(remove(_DIGEST))
    write_plan(_FILE, plan(repository_plan(repository("a"), *steps)))
    return _FILE.read_bytes()


SEEDS = (_seed(),)


def parse(data: bytes) -> None:
    _FILE.write_bytes(data)
    try:
        read_plan(_FILE, FOLDER, max_age=_AGES)
    except HolystoneError as error:
        str(error)
    # Whoever can write the file can make its hash anew.
    try:
        head, *lines = data.splitlines()
        plan = Plan.of(from_json(head, PlanHead), [from_json(line, RepositoryPlan) for line in lines[:-1]])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return
    write_plan(_FILE, plan)
    try:
        "\n".join(plan_lines(read_plan(_FILE, FOLDER, max_age=_AGES)[0], every_tag=True))
    except HolystoneError as error:
        str(error)
