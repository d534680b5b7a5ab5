"""GitLab: credentials, their tokens, and who may delete."""

from pathlib import Path

import anyio
import pytest

from holystone.engine.errors import Unauthorized
from holystone.engine.model.outcomes import Deleted, Forbidden
from holystone.engine.model.references import Repository, RepositoryPath, Tag
from tests.emulators.gitlab import DEPLOY, DEVELOPER, MAINTAINER, PASSWORDS, REPORTER, GitlabEmulator
from tests.emulators.vendor import Login
from tests.registries.gitlab.connected import PATH, connected, put_image, served

# Who may


@pytest.mark.parametrize(
    ("user", "says"),
    [
        (DEVELOPER, "Maintainer or Owner in the project"),
        (REPORTER, "Maintainer or Owner in the project"),
        (DEPLOY, "a deploy token never may; use an access token"),
    ],
)
async def test_a_credential_that_may_not_delete_is_named_with_what_it_lacks(
    user: str, says: str, tmp_path: Path
) -> None:
    async with (
        GitlabEmulator() as server,
        connected(server, tmp_path, server.docker(user)) as session,
    ):
        put_image(server, "one", "v1")
        can = await session.probe()
        assert can.forbidden
        assert not can.digests
        why = can.forbidden
        assert f"user '{user}' (auths in {tmp_path}/config.json) pull and not delete in {session.repository}" in why
        assert says in why
        assert PASSWORDS[user] not in why
        assert (await session.list_tags()).tags.keys() == {"v1"}
        assert server.counts["DELETE manifest"] == 0
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)
        assert server.storage.repositories[PATH].tags.keys() == {"v1"}


async def test_a_job_token_from_the_pipelines_variables(tmp_path: Path) -> None:
    async with (
        GitlabEmulator() as server,
        connected(server, tmp_path, server.pipeline()) as session,
    ):
        put_image(server, "one", "v1")
        assert not (await session.probe()).forbidden
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        assert not any("*" in scope for scope in server.logins), "a job token is never given `*`"
        other = Repository(session.repository.host, RepositoryPath("team/other"))
        with pytest.raises(Unauthorized, match=r"'gitlab-ci-token' \(CI_REGISTRY_USER and CI_REGISTRY_PASSWORD\)"):
            await session.registry.open(other).probe()


async def test_a_job_token_that_may_read_another_project_is_told_why_it_may_not_delete(tmp_path: Path) -> None:
    async with (
        GitlabEmulator() as server,
        connected(server, tmp_path, server.pipeline()) as session,
    ):
        put_image(server, "one", "v1")
        server.deletable = False
        can = await session.probe()
        assert "a job token deletes only in the project that its pipeline belongs to" in can.forbidden


async def test_a_deploy_token_from_the_pipelines_variables_reads(tmp_path: Path) -> None:
    async with (
        GitlabEmulator() as server,
        connected(server, tmp_path, server.pipeline(DEPLOY, "CI_DEPLOY")) as session,
    ):
        put_image(server, "one", "v1")
        assert (await session.list_tags()).tags.keys() == {"v1"}
        why = (await session.probe()).forbidden
        assert "CI_DEPLOY_USER and CI_DEPLOY_PASSWORD" in why
        assert "never may" in why


async def test_dockers_configuration_wins_over_the_pipelines_variables(tmp_path: Path) -> None:
    async with GitlabEmulator() as server:
        pipeline = dict(server.pipeline(DEPLOY).environ)
        async with connected(server, tmp_path, server.docker(MAINTAINER), pipeline) as session:
            put_image(server, "one", "v1")
            assert not (await session.probe()).forbidden


async def test_variables_of_another_registry_are_not_shown_to_this_one(tmp_path: Path) -> None:
    async with GitlabEmulator() as server:
        pipeline = {**server.pipeline().environ, "CI_REGISTRY": "registry.gitlab.com"}
        async with connected(server, tmp_path, Login(), pipeline) as session:
            with pytest.raises(Unauthorized, match="anonymous access"):
                await session.list_tags()
        assert not any(each.authorization for each in server.requests)


async def test_a_wrong_credential_is_shown_once_and_never_again(tmp_path: Path) -> None:
    """After 30 wrong logins GitLab answers nobody for an hour."""
    async with served(tmp_path, "bad_login") as (server, session):
        for number in range(40):
            other = session.registry.open(Repository(session.repository.host, RepositoryPath(f"team/app{number}")))
            with pytest.raises(Unauthorized, match=r"user 'maintainer' \(auths in .*config\.json\).*Access denied"):
                await other.list_tags()
            with pytest.raises(Unauthorized):
                await other.probe()
        assert len(server.logins) == 1


async def test_nobody_may_be_refused_in_one_project_and_welcome_in_another(tmp_path: Path) -> None:
    async with GitlabEmulator() as server, connected(server, tmp_path, Login()) as session:
        for _ in range(2):
            with pytest.raises(Unauthorized, match="anonymous access"):
                await session.probe()
        assert len(server.logins) == 2


async def test_an_old_gitlab_that_knows_only_the_star(tmp_path: Path) -> None:
    async with served(tmp_path, star=True) as (server, session):
        put_image(server, "one", "v1")
        assert not (await session.probe()).forbidden
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        deletions = [scope for scope in server.logins if "pull" not in scope.split(":")[-1]]
        assert deletions == ["repository:team/app:*"]


# Later, and tokens


async def test_tokens_are_fetched_once_for_each_scope_and_renewed_when_they_end(tmp_path: Path) -> None:
    async with served(tmp_path) as (server, session):
        put_image(server, "one", *(f"v{number}" for number in range(20)))
        await session.probe()
        await session.list_tags()
        await session.delete_tags([Tag(f"v{number}") for number in range(5)])
        assert sorted(server.logins) == ["repository:team/app:pull", "repository:team/app:pull,delete"]
        server.expire_tokens()
        assert await session.delete_tags([Tag(f"v{number}") for number in range(5, 10)]) == [Deleted()] * 5
        assert len((await session.list_tags()).tags) == 10
        assert len(server.logins) == 4


async def test_a_token_is_renewed_by_the_end_that_it_names(tmp_path: Path) -> None:
    """GitLab sends no `expires_in`; a list that takes longer than a token lives must not end in 401 for deletions."""
    async with served(tmp_path, token_life=1) as (server, session):
        put_image(server, "one", "v1")
        await session.probe()
        before = len(server.logins)
        await anyio.sleep(0.8)  # three quarters of its life
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        assert server.logins[before:] == ["repository:team/app:pull,delete"]
        assert not [each for each in server.requests if each.method == "DELETE" and each.status == 401]


async def test_a_credential_that_is_revoked_in_the_middle_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        await session.probe()
        server.expire_tokens()
        monkeypatch.setitem(PASSWORDS, MAINTAINER, "glpat-a-new-one")
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)
        assert "user 'maintainer'" in outcome.what
        assert "Access denied" in outcome.what
