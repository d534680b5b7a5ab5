"""Docker Hub: what a credential may do is known before the first deletion."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from holystone.adapters.registries.dockerhub.profile import PROFILE
from holystone.embedded.faults import Answer, Fault
from holystone.engine.errors import Unauthorized
from holystone.engine.model.capabilities import LastTag, TagDeletion
from holystone.engine.model.outcomes import Deleted, Failed, Forbidden
from holystone.engine.model.references import Tag
from tests.emulators.dockerhub import Account, DockerHubEmulator
from tests.emulators.vendor import Login
from tests.registries.dockerhub.connected import HUB, PATH, asked, opened, options, put, served

PAT_READ = Account("pat", "rob", "dckr_pat_look-around-only", frozenset({"read"}))
OAT = Account("oat", "team", "dckr_oat_clean-every-berth")
OAT_READ = Account("oat", "team", "dckr_oat_look-around-only", frozenset({"read"}))
WRITER = Account("password", "rob", "long-password", role="write")
READER = Account("password", "rob", "long-password", role="read")


async def test_probing_changes_nothing_and_promises_what_the_sheet_says(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        put(emulator, "one", "v1")
        before = dict(emulator.storage.repositories[PATH].tags)
        can = await session.probe()
        assert can == msgspec.structs.replace(PROFILE.can, undo=can.undo)
        assert can.undo.possible
        assert can.undo.doubt, "the registry's own token says what may be pushed, and none was needed yet"
        assert can.tags == TagDeletion(LastTag("goes-unlisted", takes_attached=True))
        assert (can.digests, can.listing.digests, can.bulk) == (None, True, 1)
        assert emulator.storage.repositories[PATH].tags == before
        (deletion,) = asked(emulator, "DELETE", "/")
        assert deletion.startswith(f"{HUB}/tags/holystone-probe-")


@pytest.mark.parametrize(
    ("account", "named"),
    [
        (PAT_READ, "the personal access token needs the permission Read, Write, Delete"),
        (OAT_READ, "an organization's one scope-tag-admin"),
        (WRITER, "its user needs the permission Admin there"),
        (READER, "may only read"),
    ],
)
async def test_what_a_credential_lacks_is_known_before_the_first_deletion(
    tmp_path: Path, account: Account, named: str
) -> None:
    login = options(account.identifier, account.secret)
    async with served(tmp_path, login=login) as (emulator, session):
        emulator.let_in(account)
        put(emulator, "one", "v1")
        can = await session.probe()
        assert can.forbidden
        assert named in can.forbidden
        assert f"user '{account.identifier}' ($WERF_REPO_DOCKER_HUB_PASSWORD)" in can.forbidden
        assert account.secret not in can.forbidden
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)
        assert emulator.storage.repositories[PATH].tags


async def test_an_organizations_token_does_it_at_the_newer_address_only(tmp_path: Path) -> None:
    login = options(OAT.identifier, OAT.secret)
    async with served(tmp_path, login=login) as (emulator, session):
        emulator.let_in(OAT)
        put(emulator, "one", "v1", "v2")
        assert not (await session.probe()).forbidden
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
    async with served(tmp_path, login=login, newer_delete="405") as (emulator, session):
        emulator.let_in(OAT)
        put(emulator, "one", "v1", "v2")
        assert "takes no organization's token" in (await session.probe()).forbidden


SCOPES = frozenset({"scope-repository-read", "scope-tag-admin", "scope-image-pull"})


async def test_the_scopes_that_are_named_are_enough(tmp_path: Path) -> None:
    account = Account("oat", "team", OAT.secret, SCOPES)
    async with served(tmp_path, login=options(account.identifier, account.secret)) as (emulator, session):
        emulator.let_in(account)
        raw = put(emulator, "one", "v1", "v2")
        assert (await session.list_tags()).tags == {"v1": raw.digest, "v2": raw.digest}
        assert await session.read_manifests([raw.digest]) == {raw.digest: raw}
        can = await session.probe()
        assert not can.forbidden
        assert can.undo.doubt
        with pytest.raises(Unauthorized) as raised:
            await session.push_manifest(Tag("v3"), raw)
        assert "scope-image-push" in raised.value.what_to_do
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]


@pytest.mark.parametrize("missing", sorted(SCOPES))
async def test_the_scope_that_is_missing_is_named_at_the_call_that_lacks_it(tmp_path: Path, missing: str) -> None:
    account = Account("oat", "team", OAT.secret, SCOPES - {missing})
    async with served(tmp_path, login=options(account.identifier, account.secret)) as (emulator, session):
        emulator.let_in(account)
        raw = put(emulator, "one", "v1")

        async def list_and_read() -> None:
            await session.list_tags()
            await session.resolve(Tag("v1"))
            await session.read_manifests([raw.digest])

        with pytest.raises(Unauthorized) as raised:
            await list_and_read()
    told = raised.value.message if missing != "scope-image-pull" else raised.value.what_to_do
    assert missing in told
    assert all(scope in raised.value.what_to_do for scope in SCOPES) or missing == "scope-image-pull"


async def test_what_permissions_say_to_the_account_itself_is_not_trusted(tmp_path: Path) -> None:
    about = Answer(200, b'{"permissions":{"read":true,"write":false,"admin":false}}')
    login = options(OAT.identifier, OAT.secret)
    async with served(tmp_path, Fault("GET", rf"{HUB}$", about), login=login) as (emulator, session):
        emulator.let_in(OAT)
        put(emulator, "one", "v1")
        assert not (await session.probe()).forbidden


async def test_an_api_without_a_call_that_deletes(tmp_path: Path) -> None:
    async with served(tmp_path, newer_delete="404", older_delete=False) as (emulator, session):
        put(emulator, "one", "v1")
        assert "no call that deletes a tag" in (await session.probe()).forbidden
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Failed)


@pytest.mark.parametrize("answer", [Answer(400, b'{"message":"immutable"}'), Answer(204)])
async def test_a_rehearsal_that_meets_no_lack_of_rights(tmp_path: Path, answer: Answer) -> None:
    async with served(tmp_path, Fault("DELETE", "/tags/", answer)) as (emulator, session):
        put(emulator, "one", "v1")
        assert not (await session.probe()).forbidden


async def test_a_rehearsal_that_goes_wrong_is_no_right(tmp_path: Path) -> None:
    async with served(tmp_path, Fault("DELETE", "/tags/", Answer(418, b"teapot"))) as (emulator, session):
        put(emulator, "one", "v1")
        assert "418" in (await session.probe()).forbidden


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({}, "there is no credential for the Hub API (there is none for 127.0.0.1"),
        ({"identitytoken": "refresh-me-not"}, "good for the registry only"),
        ({"registrytoken": "registry-only"}, "good for the registry only"),
    ],
)
async def test_without_a_login_public_tags_can_be_read_and_not_deleted(
    tmp_path: Path, entry: Mapping[str, str], why: str
) -> None:
    async with DockerHubEmulator(private=False) as emulator:
        raw = put(emulator, "one", "v1")
        login = Login(docker_config={"auths": {emulator.host: entry}})
        async with opened(emulator, tmp_path, login) as session:
            assert (await session.list_tags()).tags == {"v1": raw.digest}
            can = await session.probe()
            assert can.forbidden
            assert why in can.forbidden
            assert "--repo-docker-hub-password" in can.forbidden
            assert not any(secret in can.forbidden for secret in entry.values())
            assert not [each for each in emulator.requests if each.method not in ("GET", "HEAD")]
            assert not any(each.authorization for each in emulator.requests if each.path.startswith("/v2/namespaces"))
