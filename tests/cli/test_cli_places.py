"""Files and folders that cannot be used: the journal, the plan, the cache."""

import os
import shlex
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from holystone.adapters.state.spool import FileSpool
from holystone.adapters.state.sqlite.schema import FILE_NAME
from tests.support.command_line import Bench, bench, now
from tests.support.tiny_project import tiny_project

Refuse = Callable[..., str]


def test_a_journal_that_is_damaged(shop: Bench, refused: Refuse, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / FILE_NAME).write_bytes(b"this is no database, it is a poem" * 100)
    message = refused(shop, "--state-dir", str(state), code=1)
    assert shop.registry.requests == [], "said before anything is read"
    assert str(state / FILE_NAME) in message
    assert "damaged" in message
    for command in ("runs", "resume"):
        ran = shop.run(command, "--state-dir", str(state))
        assert ran.code == 1
        assert "damaged" in ran.message


def test_a_journal_of_another_program(shop: Bench, refused: Refuse, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("CREATE TABLE poems (line TEXT)")
    database.close()
    assert "another program" in refused(shop, "--state-dir", str(tmp_path), code=2)


def test_a_state_folder_that_is_a_file(shop: Bench, refused: Refuse, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    message = refused(shop, "--state-dir", str(file), code=1)
    assert shop.registry.requests == [], "said before anything is read"
    assert str(file) in message
    assert "another state directory" in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_state_folder_without_rights(shop: Bench, refused: Refuse, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    assert str(folder) in refused(shop, "--state-dir", str(folder), code=1)


def test_a_state_folder_in_which_others_write(shop: Bench, refused: Refuse, tmp_path: Path) -> None:
    folder = tmp_path / "everybody's"
    folder.mkdir()
    folder.chmod(0o777)
    message = refused(shop, "--state-dir", str(folder), code=2)
    assert "Others can write" in message
    assert f"chmod go-w {shlex.quote(str(folder))}" in message
    assert list(folder.iterdir()) == []


def test_a_dry_run_needs_no_journal(shop: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert shop.cleanup("--dry-run", "--state-dir", str(tmp_path / "file")).code == 0


def test_a_cache_that_cannot_be_written_costs_time_only(
    shop: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(FileSpool.__init__, "__kwdefaults__", {"in_memory": 0})  # as of a large run
    assert shop.cleanup("--cache-dir", str(tmp_path / "file")).code == 0


def test_a_plan_that_cannot_be_written(shop: Bench, refused: Refuse, tmp_path: Path) -> None:
    message = refused(shop, "--plan-out", str(tmp_path / "missing" / "plan.json"), code=1)
    assert shop.registry.requests == [], "said before anything is read"
    assert "Make the folder" in message
    assert "missing/plan.json" in message
    assert "Nothing was deleted." in message


def test_the_fuse(tmp_path: Path, refused: Refuse) -> None:
    with bench(tmp_path) as shop:
        tiny_project(shop.project, shop.registry.storage, now=now(), commits=22)
        said = {"HOLYSTONE_YES_DELETE_THAT_MANY": "1", "WERF_YES_DELETE_THAT_MANY": "1"}
        message = refused(shop, code=3, env=said)  # no variable says yes
        assert "21 of 23 tags" in message or "of 23 tags would be deleted" in message
        assert "shop/app/front" in message
        assert "--yes-delete-that-many" in message
        assert message.count("--yes-delete-that-many") == 2, "to see the whole plan, and to carry it out"
        assert shop.cleanup("--dry-run").code == 3, "a dry run says what the run would say"
        plan = tmp_path / "plan.json"
        assert shop.cleanup("--plan-out", str(plan)).code == 3
        assert "--yes-delete-that-many" in refused(shop, str(plan), code=3, command="apply")
        assert shop.run("apply", str(plan), "--yes-delete-that-many").code == 0
        assert len(shop.contents()["shop/app/front"][0]) == 3
