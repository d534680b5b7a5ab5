"""Harbor: what a credential may do is known before the first deletion."""

from pathlib import Path

import pytest

from holystone.adapters.registries.harbor.profile import PROFILE
from holystone.embedded.faults import Answer, Fault
from holystone.engine.errors import IncompleteSource, Unauthorized
from holystone.engine.model.outcomes import Deleted, Forbidden
from holystone.engine.model.references import Tag
from tests.emulators.harbor import GUEST_PASSWORD, MAINTAINER, HarborEmulator
from tests.registries.harbor.connected import ABSENT, HTML, connected, put, robot, served, there


async def test_probe_of_a_maintainer_changes_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        before = there(harbor)
        assert await session.probe() == PROFILE.can
        assert there(harbor) == before


ROBOT = frozenset({"read project", "list", "pull", "push", "delete artifact", "delete tag"})
"""What the documentation asks for."""


async def test_a_robot_with_the_documented_rights_cleans_and_puts_back(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor:
        image = put(harbor, "one", "v1", "v2")
        harbor.accounts["robot$shop+sweeper"] = robot(*ROBOT)
        login = harbor.login_as("robot$shop+sweeper", "Robot-Secret-9")
        async with connected(harbor, tmp_path, login) as session:
            assert (await session.list_tags()).tags == {"v1": image.digest, "v2": image.digest}
            assert await session.probe() == PROFILE.can
            assert await session.delete_tags([Tag("v1")]) == [Deleted()]
            assert await session.delete_manifests([image.digest]) == [Deleted()]
            await session.push_manifest(Tag("v1"), image)
            assert there(harbor) == {"v1": image.digest}


@pytest.mark.parametrize(
    ("lacking", "told"), [("list", "artifact:list"), ("pull", "repository:pull"), ("push", "repository:push")]
)
async def test_a_right_that_a_robot_lacks_is_found_before_anything_is_deleted(
    tmp_path: Path, lacking: str, told: str
) -> None:
    async with HarborEmulator() as harbor:
        put(harbor, "one", "v1")
        harbor.accounts["robot$shop+sweeper"] = robot(*(ROBOT - {lacking}))
        login = harbor.login_as("robot$shop+sweeper", "Robot-Secret-9")
        async with connected(harbor, tmp_path, login) as session:
            if lacking == "push":
                found = await session.probe()
                assert not found.forbidden
                assert not found.undo.possible
                assert told in found.undo.lacks
                return
            if lacking == "pull":
                assert told in (await session.probe()).forbidden
            else:
                with pytest.raises(Unauthorized, match="sweeper") as raised:
                    await session.probe()
                assert told in raised.value.what_to_do
            with pytest.raises(Unauthorized) as refused:
                await session.list_tags()
            assert told in refused.value.what_to_do
            assert "password" not in refused.value.what_to_do


async def test_a_robot_that_may_not_read_the_project_is_told_what_is_not_known(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor:
        put(harbor, "one", "v1")
        harbor.accounts["robot$shop+sweeper"] = robot(*(ROBOT - {"read project"}))
        login = harbor.login_as("robot$shop+sweeper", "Robot-Secret-9")
        async with connected(harbor, tmp_path, login) as session:
            assert (await session.list_tags()).tags.keys() == {"v1"}
            can = await session.probe()
            assert not can.forbidden
            assert "proxy cache" in can.warnings[0]


@pytest.mark.parametrize("body", [b"<html>404</html>", b"{}", b'{"token":"opaque"}', b'{"token":7}'])
async def test_what_may_be_done_is_not_known_to_fail_where_harbor_gives_no_token(tmp_path: Path, body: bytes) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        harbor.faults.add(Fault("GET", "/service/token", Answer(200, body)))
        found = await session.probe()
        assert (found.forbidden, found.undo.lacks) == ("", "")


async def test_a_token_of_megabytes_is_refused_before_it_is_looked_into(tmp_path: Path) -> None:
    """What one of 16 MB says of itself takes most of a gigabyte."""
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        harbor.faults.add(Fault("GET", "/service/token", Answer(200, b'{"token":"%s"}' % (b"a" * (1 << 20)))))
        with pytest.raises(IncompleteSource, match="larger than 65536 bytes"):
            await session.probe()


async def test_probe_of_a_guest_names_who_lacks_what_and_where_it_is_from(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor:
        put(harbor, "one", "v1")
        async with connected(harbor, tmp_path, harbor.weak_login()) as session:
            found = await session.probe()
            assert found.forbidden
            for part in ("'guest'", "WERF_REPO_HARBOR_PASSWORD", "project shop", "maintainer", "artifact:delete"):
                assert part in found.forbidden
            assert GUEST_PASSWORD not in found.forbidden
            assert (await session.list_tags()).tags.keys() == {"v1"}
            outcomes = [
                *await session.delete_tags([Tag("v1")]),
                *await session.delete_manifests([ABSENT]),
            ]
            assert all(isinstance(outcome, Forbidden) for outcome in outcomes)


@pytest.mark.parametrize(
    ("lacking", "tags", "digests"), [("delete artifact", True, False), ("delete tag", False, True)]
)
async def test_probe_of_a_robot_with_one_permission_only(
    tmp_path: Path, lacking: str, tags: bool, digests: bool
) -> None:
    async with HarborEmulator() as harbor:
        harbor.accounts["robot$shop+sweeper"] = robot(*(MAINTAINER - {lacking}))
        login = harbor.login_as("robot$shop+sweeper", "Robot-Secret-9")
        async with connected(harbor, tmp_path, login) as session:
            found = await session.probe()
            assert (found.forbidden, bool(found.tags), bool(found.digests)) == ("", tags, digests)


async def test_read_only_mode_is_found_before_planning(tmp_path: Path) -> None:
    async with served(tmp_path, HarborEmulator(read_only=True)) as (harbor, session):
        put(harbor, "one", "v1")
        found = await session.probe()
        assert found.forbidden
        assert "read-only mode" in found.forbidden
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)
        assert "read-only" in outcome.what


@pytest.mark.parametrize(
    "answer", [Answer(404, HTML), Answer(200, HTML), Answer(404, b'{"code":404,"message":"path"}')]
)
async def test_what_is_no_harbor_is_found_before_planning(tmp_path: Path, answer: Answer) -> None:
    async with served(tmp_path) as (harbor, session):
        harbor.faults.add(Fault("DELETE", ".", answer, times=None))
        with pytest.raises(IncompleteSource, match="cannot be found out"):
            await session.probe()
