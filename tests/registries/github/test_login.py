"""GitHub: tokens, and what they may do."""

import os
from pathlib import Path

import pytest

from holystone.adapters.registries.github.profile import PROFILE
from holystone.engine.errors import Unauthorized, UsageError
from holystone.engine.model.capabilities import DigestDeletion
from holystone.engine.model.outlook import DAY, UndoOutlook
from holystone.engine.model.references import Tag
from tests.emulators.github import OWNER, READER, WORKFLOW, GithubEmulator, Token
from tests.registries.github.connected import connected, deletions, put


async def test_a_wrong_token_is_named_by_where_it_is_from(tmp_path: Path) -> None:
    async with (
        GithubEmulator() as github,
        connected(tmp_path, github, "ghp_Wrong") as session,
    ):
        put(github, "v1")
        with pytest.raises(Unauthorized, match=r"--repo-github-token.*Bad credentials") as raised:
            await session.list_tags()
        assert "ghp_Wrong" not in str(raised.value)
        with pytest.raises(Unauthorized, match="--repo-github-token"):
            await session.probe()


async def test_a_token_without_the_scope_is_found_before_the_first_deletion(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github, READER) as session:
        put(github, "v1")
        can = await session.probe()
        assert can.forbidden
        assert can.digests == DigestDeletion(tags_first=False, keeps_last_tagged=True)
        assert "--repo-github-token" in can.forbidden
        assert "delete:packages" in can.forbidden
        assert deletions(github) == 0


async def test_what_a_full_token_can_do(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        can = await session.probe()
        assert not can.forbidden
        assert can.digests == PROFILE.can.digests
        assert can.undo == UndoOutlook("restore", 30 * DAY)
        assert can.quota is None, "an Enterprise Server does not limit"
        assert {method for method, *_ in github.api_requests} == {"GET"}


async def test_a_token_that_may_delete_and_not_push_gets_no_tombstones(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        github.tokens[OWNER] = Token("captain", frozenset({"read:packages", "delete:packages"}))
        can = await session.probe()
        assert not can.forbidden
        assert can.digests == DigestDeletion(tags_first=False, keeps_last_tagged=True)
        assert not can.undo.possible
        assert "write:packages" in can.undo.lacks
        assert "--repo-github-token" in can.undo.lacks
        put(github, "keep", text="keep")
        old = put(github, "old")
        await session.delete_manifests([old.digest])
        assert not await session.restore(old.digest, [Tag("old")]), "and GitHub means it"


async def test_a_workflow_token_says_nothing_of_itself(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github, WORKFLOW) as session:
        can = await session.probe()
        assert not can.forbidden
        assert can.digests == PROFILE.can.digests
        assert can.undo.possible
        assert "does not say its rights" in can.undo.doubt


async def test_where_a_token_is_looked_for(tmp_path: Path) -> None:
    """The option wins over the variable, that over Docker's configuration."""
    async with GithubEmulator() as github:
        put(github, "v1")
        given = {"GITHUB_TOKEN": READER}
        async with connected(tmp_path, github, OWNER, environ=given, docker=READER) as session:
            assert not (await session.probe()).forbidden
        async with connected(tmp_path, github, None, environ=given, docker=OWNER) as session:
            assert "$GITHUB_TOKEN" in (await session.probe()).forbidden
        async with connected(tmp_path, github, None, docker=READER) as session:
            assert "config.json" in (await session.probe()).forbidden
        with pytest.raises(UsageError, match="none was found") as raised:
            async with connected(tmp_path, github, None):
                pass
        assert "delete:packages" in raised.value.what_to_do


async def test_the_token_of_another_github_is_not_sent(tmp_path: Path) -> None:
    async with GithubEmulator() as github:
        environ = {"GITHUB_TOKEN": OWNER, "GITHUB_API_URL": "https://api.github.com"}
        with pytest.raises(UsageError, match="none was found"):
            async with connected(tmp_path, github, None, environ=environ):
                pass
        here = {"GITHUB_TOKEN": OWNER, "GITHUB_API_URL": github.url}
        async with connected(tmp_path, github, None, environ=here) as session:
            assert not (await session.probe()).forbidden


async def test_the_registry_is_entered_with_the_token_if_docker_has_nothing(tmp_path: Path) -> None:
    async with GithubEmulator() as github:
        raw = put(github, "v1")
        for docker in (None, READER):
            async with connected(tmp_path, github, OWNER, docker=docker) as session:
                assert await session.resolve(Tag("v1")) == raw.digest
                assert await session.read_manifests([raw.digest]) == {raw.digest: raw}
        async with connected(tmp_path, github, OWNER, docker="ghp_Old") as session:
            with pytest.raises(Unauthorized, match=r"config\.json"):
                await session.resolve(Tag("v1"))
            assert set(map(str, (await session.list_tags()).tags)) == {"v1"}


async def test_registry_tokens_that_end_in_mid_run_are_renewed(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        raw = put(github, "v1")
        assert await session.resolve(Tag("v1")) == raw.digest
        github.expire_tokens()
        assert await session.resolve(Tag("v1")) == raw.digest


@pytest.mark.parametrize("side", ["api", "registry"])
async def test_a_credential_helper_is_asked_again_when_its_token_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    helper = tmp_path / "docker-credential-rotating"
    helper.write_text(f'#!/bin/sh\necho "{{\\"Username\\":\\"anyone\\",\\"Secret\\":\\"$(cat {tmp_path}/token)\\"}}"\n')
    helper.chmod(0o755)
    (tmp_path / "token").write_text("ghp_First")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    async with GithubEmulator() as github:
        github.add_token("ghp_First", github.tokens[OWNER])
        helpers = {"credHelpers": {github.host: "rotating"}}
        async with connected(tmp_path, github, None, config=helpers) as session:
            raw = put(github, "v1")
            assert (await session.list_tags()).exists
            assert await session.resolve(Tag("v1")) == raw.digest
            del github.tokens["ghp_First"]
            github.expire_tokens()
            (tmp_path / "token").write_text(OWNER)
            if side == "api":
                assert (await session.list_tags()).exists
            assert await session.resolve(Tag("v1")) == raw.digest
