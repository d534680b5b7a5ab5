"""Developers, to whom GitLab's registry gives no right to delete and GitLab's API does."""

from pathlib import Path

import pytest
from yarl import URL

from holystone.adapters.registries.gitlab.api import api_base
from holystone.embedded.faults import Answer, Fault
from holystone.engine.errors import UsageError
from holystone.engine.model.capabilities import LastTag, TagDeletion
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked, Outcome
from holystone.engine.model.outlook import DAY, UndoOutlook
from holystone.engine.model.references import RegistryHost, Tag
from tests.contract.stands import stand
from tests.emulators.gitlab import DEVELOPER, PASSWORDS, REPORTER, GitlabEmulator
from tests.emulators.vendor import Login
from tests.registries.gitlab.connected import PATH, asked, connected, put_image, served

TOKEN = {"HOLYSTONE_REPO_GITLAB_TOKEN": PASSWORDS[DEVELOPER]}


def of_api(server: GitlabEmulator, method: str) -> list[str]:
    return [each for each in asked(server, "/api/v4/") if each.startswith(method)]


async def test_what_a_developer_can_do_is_found_out_and_nothing_is_changed(tmp_path: Path) -> None:
    async with served(tmp_path, "developer_login") as (server, session):
        put_image(server, "one", "v1")
        can = await session.probe()
        assert not can.forbidden
        assert can.tags == TagDeletion(LastTag("goes-unlisted", takes_attached=False))
        assert not can.digests
        assert can.undo == UndoOutlook("push", DAY)
        assert not of_api(server, "DELETE")
        assert server.counts["DELETE manifest"] == 0


async def test_a_tag_goes_by_the_api_and_its_siblings_stay(tmp_path: Path) -> None:
    async with served(tmp_path, "developer_login") as (server, session):
        put_image(server, "one", "v1", "v2")
        put_image(server, "other", "v1", path=f"{PATH}/web")
        assert await session.delete_tags([Tag("v1"), Tag("gone")]) == [Deleted(), AlreadyGone()]
        assert server.storage.repositories[PATH].tags.keys() == {"v2"}
        assert server.storage.repositories[f"{PATH}/web"].tags.keys() == {"v1"}
        assert len(of_api(server, "GET")) == 3, "the token, the role and the repository's number are asked for once"
        assert server.counts["DELETE manifest"] == 0


async def test_whoever_may_delete_in_the_registry_needs_no_api(tmp_path: Path) -> None:
    async with (
        GitlabEmulator() as server,
        connected(server, tmp_path, environ=TOKEN) as session,
    ):
        put_image(server, "one", "v1", "v2")
        assert not (await session.probe()).forbidden
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        assert asked(server, "/api/v4/") == []


async def test_the_token_opens_the_registry_where_docker_has_nothing(tmp_path: Path) -> None:
    async with (
        GitlabEmulator() as server,
        connected(server, tmp_path, Login(TOKEN)) as session,
    ):
        put_image(server, "one", "v1")
        assert (await session.list_tags()).tags.keys() == {"v1"}


async def test_a_protected_tag_stays_with_what_gitlab_says(tmp_path: Path) -> None:
    async with served(tmp_path, "developer_login", protected=["^v1$"]) as (server, session):
        put_image(server, "one", "v1", "v2")
        locked, deleted = await session.delete_tags([Tag("v1"), Tag("v2")])
        assert isinstance(locked, Locked)
        assert "403 Forbidden" in locked.rule
        assert "a rule protects the tag" in locked.rule
        assert deleted == Deleted()


@pytest.mark.parametrize(
    ("user", "scopes", "says"),
    [
        (DEVELOPER, ["read_registry", "write_registry"], "has not the scope api, only read_registry, write_registry"),
        (REPORTER, ["api"], "has a lower role than Developer in team/app"),
    ],
)
async def test_a_token_that_may_not_is_told_before_the_first_deletion(
    user: str, scopes: list[str], says: str, tmp_path: Path
) -> None:
    environ = {"HOLYSTONE_REPO_GITLAB_TOKEN": PASSWORDS[user]}
    async with (
        GitlabEmulator(api_scopes=scopes) as server,
        connected(server, tmp_path, server.docker(user), environ) as session,
    ):
        put_image(server, "one", "v1")
        can = await session.probe()
        assert can.forbidden
        assert says in can.forbidden
        assert "HOLYSTONE_REPO_GITLAB_TOKEN" in can.forbidden
        assert PASSWORDS[user] not in can.forbidden
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)
        assert not of_api(server, "DELETE")


async def test_a_developer_without_a_token_is_told_of_it(tmp_path: Path) -> None:
    async with served(tmp_path, "weak_login") as (server, session):
        put_image(server, "one", "v1")
        assert "--repo-gitlab-token" in (await session.probe()).forbidden


async def test_a_repository_far_down_the_list_is_found(tmp_path: Path) -> None:
    async with served(tmp_path, "developer_login") as (server, session):
        for number in range(230):
            server.storage.repository(f"{PATH}/branch-{number}")
        put_image(server, "one", "v1")
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}),
        Answer(404, b'{"message":"404 Project Not Found"}'),
        Answer(403, b'{"error":"insufficient_scope"}'),
        Answer(500),
    ],
    ids=["html", "404", "403", "500"],
)
@pytest.mark.parametrize("what", ["/personal_access_tokens/self", "/members/all/", "/registry/repositories"])
async def test_an_api_that_does_not_answer_deletes_nothing(tmp_path: Path, what: str, answer: Answer) -> None:
    async with served(tmp_path, "developer_login") as (server, session):
        put_image(server, "one", "v1")
        server.faults.add(Fault("GET", what, answer, times=None))
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Failed | Forbidden)
        assert not of_api(server, "DELETE")


async def test_an_api_that_answers_without_end_is_not_kept(tmp_path: Path) -> None:
    body = b'{"user_id":1,"scopes":["api"' + b',"ab"' * 1_000_000 + b"]}"
    async with served(tmp_path, "developer_login") as (server, session):
        put_image(server, "one", "v1")
        server.faults.add(Fault("GET", "/personal_access_tokens/self", Answer(200, body)))
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Failed)
        assert "is larger than 4194304 bytes" in outcome.error


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(400, b'{"message":"400 Bad request"}'), Failed),
        (Answer(401, b'{"message":"401 Unauthorized"}'), Forbidden),
        (Answer(404, b'{"message":"404 Project Not Found"}'), Failed),
        (Answer(302, headers={"Location": "/users/sign_in"}), Failed),
    ],
    ids=["400", "401", "404", "302"],
)
async def test_what_an_answer_to_a_deletion_means(answer: Answer, expected: type[Outcome], tmp_path: Path) -> None:
    async with served(tmp_path, "developer_login") as (server, session):
        put_image(server, "one", "v1")
        server.faults.add(Fault("DELETE", "/api/v4/", answer, times=None))
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, expected)


async def test_a_whole_run_of_a_developer_and_its_undo(tmp_path: Path) -> None:
    async with stand("gitlab", tmp_path, login="developer_login") as served:
        kept = await served.image("kept", "keep")
        old = await served.image("old", "old")
        await served.index((kept,), "list")
        plan, result = await served.clean({"old"})
        assert not plan.refusals
        assert not result.incomplete
        assert (await served.state())[0].keys() == {"keep", "list"}
        assert (await served.undo()).incomplete == 0
        assert (await served.state())[0]["old"] == old.digest


@pytest.mark.parametrize(
    ("host", "given", "environ", "expected"),
    [
        ("registry.gitlab.com", None, {}, ("https://gitlab.com", "/api/v4")),
        ("registry.example.com", None, {}, None),
        ("registry.example.com", "https://gitlab.example.com", {}, ("https://gitlab.example.com", "/api/v4")),
        ("registry.example.com", "https://example.com/git/api/v4", {}, ("https://example.com/git/api/v4", "")),
        (
            "registry.example.com",
            None,
            {"CI_REGISTRY": "registry.example.com", "CI_API_V4_URL": "https://gitlab.example.com/api/v4"},
            ("https://gitlab.example.com/api/v4", ""),
        ),
        (
            "registry.example.com",
            None,
            {"CI_REGISTRY": "registry.example.org", "CI_API_V4_URL": "https://gitlab.example.org/api/v4"},
            None,
        ),
    ],
)
def test_where_the_api_is(
    host: str, given: str | None, environ: dict[str, str], expected: tuple[str, str] | None
) -> None:
    found = api_base(RegistryHost(host), URL(given) if given else None, environ)
    assert (found and (str(found[0]), found[1])) == expected


@pytest.mark.parametrize(
    "named", ["https://[broken", "gitlab.example.com/api/v4", "//[::1]x@", "https://me:secret@x/api"]
)
def test_a_pipelines_api_that_is_nowhere_is_told_without_being_shown(named: str) -> None:
    environ = {"CI_REGISTRY": "registry.example.com", "CI_API_V4_URL": named}
    with pytest.raises(UsageError, match=r"^\$CI_API_V4_URL is not the address of an API"):
        api_base(RegistryHost("registry.example.com"), None, environ)


# What the emulator must say as GitLab's own documentation shows it


def test_the_emulators_rows_are_those_of_gitlabs_documentation() -> None:
    """docs.gitlab.com/api/container_registry, "List registry repositories", "Within a project"."""
    documented = {"id", "name", "path", "project_id", "location", "created_at", "cleanup_policy_started_at", "status"}
    server = GitlabEmulator()
    put_image(server, "one", "v1", path="group/project/releases")
    row = server._row("group/project/releases")
    assert row.keys() == documented
    assert (row["name"], row["path"]) == ("releases", "group/project/releases")
