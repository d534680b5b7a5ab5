"""Two runs at the same time on one repository: the second leaves everything alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holystone.engine.journal.locks import lock_repositories
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from tests.cli.conftest import Refuse
from tests.support.command_line import Bench


@contextmanager
def another_run(shop: Bench, path: str) -> Iterator[str]:
    state = shop.home / "state"
    state.mkdir(exist_ok=True)
    shop.env["HOLYSTONE_STATE_DIR"] = str(state)
    repository = Repository(RegistryHost(shop.registry.host), RepositoryPath(path))
    with lock_repositories(state, [repository], "20261123-161200-ab12"):
        yield f"{repository}: another run of Holystone is at work there"


def test_a_cleanup_beside_another_stops_before_it_reads(shop: Bench, refused: Refuse) -> None:
    with another_run(shop, "shop/stages") as busy:
        message = refused(shop, code=3)
        assert busy in message
        assert "run 20261123-161200-ab12" in message
        assert "Wait for that process to end" in message
    assert shop.registry.requests == []
    assert shop.cleanup().code == 0


@pytest.mark.parametrize("path", ["shop/stages", "shop/app/front"])
def test_a_plan_is_not_applied_beside_another_run(shop: Bench, refused: Refuse, tmp_path: Path, path: str) -> None:
    plan = tmp_path / "plan.json"
    assert shop.cleanup("--plan-out", str(plan)).code == 0
    with another_run(shop, path) as busy:
        assert busy in refused(shop, str(plan), code=3, command="apply")
    assert shop.run("runs").out == "", "what was refused is no run that could be resumed"
    assert shop.run("apply", str(plan)).code == 0


def test_looking_needs_no_lock(shop: Bench) -> None:
    with another_run(shop, "shop/stages"):
        assert shop.cleanup("--dry-run").code == 0
