"""GitLab's adapter against the emulator, with and without a metadata database, and against odd replies."""

import base64
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.http.errors import error_code
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.gitlab.listing import list_detailed
from holystone.adapters.registries.gitlab.profile import PROFILE
from holystone.adapters.registries.gitlab.registry import GitlabSession
from holystone.adapters.registries.gitlab.rights import Rights, read_rights
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.embedded.faults import Action, Answer, Drop, Fault, Truncate
from holystone.engine.errors import BlobsMissing, IncompleteSource, Unauthorized, Unreachable
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.capabilities import SPARES_ALL, DigestDeletion, LastTag, TagDeletion
from holystone.engine.model.manifests import DOCKER_MANIFEST, OCI_MANIFEST, Manifest, RawManifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked, Outcome, Referenced
from holystone.engine.model.outlook import UndoOutlook
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.scheduler import Limits
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.gitlab import DEPLOY, DEVELOPER, MAINTAINER, PASSWORDS, REPORTER, GitlabEmulator
from tests.emulators.vendor import Login
from tests.support import images
from tests.support.command_line import hasty

PATH = RepositoryPath("team/app")
ABSENT = Digest("sha256:" + "0" * 64)
PAGE = 1000


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    with hasty():
        yield


@asynccontextmanager
async def connected(
    server: GitlabEmulator, folder: Path, login: Login | None = None, environ: dict[str, str] | None = None
) -> AsyncIterator[GitlabSession]:
    login = login or server.login()
    (folder / "config.json").write_text(json.dumps(login.docker_config))
    variables = {**server.environ, **login.environ, **(environ or {})}
    async with Connections(
        folder,
        limits=Limits(attempts=3, host_patience=0.2),
        access=resolve_access(Given({}, variables)),
        environ=variables,
    ) as connections:
        repository = Repository(RegistryHost.parse(server.host), PATH)
        session = await connections.session(repository, "gitlab")
        assert isinstance(session, GitlabSession)
        yield session


@asynccontextmanager
async def stand(
    folder: Path, login: str = "login", **quirks: Any
) -> AsyncIterator[tuple[GitlabEmulator, GitlabSession]]:
    async with (
        GitlabEmulator(**quirks) as server,
        connected(server, folder, getattr(server, login)()) as session,
    ):
        yield server, session


def put(server: GitlabEmulator, raw: RawManifest, *tags: str, path: str = PATH) -> Digest:
    for tag in tags or (None,):
        server.storage.put_manifest(path, raw.body, raw.media_type, tag)
    return raw.digest


def put_image(server: GitlabEmulator, text: str, *tags: str, path: str = PATH) -> RawManifest:
    config = images.config(text)
    server.storage.put_blob(path, config)
    raw = images.image(config)
    put(server, raw, *tags, path=path)
    return raw


def asked(server: GitlabEmulator, part: str) -> list[str]:
    return [f"{each.method} {each.path}" for each in server.requests if part in each.path]


def error(code: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": "as said"}]}).encode()


def faulty(path: str, action: Action, *, method: str = "GET", nth: int = 1, times: int | None = None) -> Fault:
    return Fault(method, path, action, nth=nth, times=times)


# Listing


@pytest.mark.parametrize(
    ("count", "pages"), [(0, 1), (1, 1), (PAGE - 1, 1), (PAGE, 2), (PAGE + 1, 2), (2 * PAGE, 3), (2 * PAGE + 1, 3)]
)
async def test_a_listing_is_complete_at_page_boundaries(count: int, pages: int, tmp_path: Path) -> None:
    async with stand(tmp_path) as (server, session):
        digest = put_image(server, "one", "v0", *(f"v{number}" for number in range(1, count))).digest
        if not count:
            server.storage.delete_tag(PATH, "v0")
        listing = await session.list_tags()
        assert listing.exists
        assert listing.tags == {Tag(f"v{number}"): digest for number in range(count)}
        lists = asked(server, "/tags/list/")
        # The first of them may have been sent twice, to learn of the token server.
        assert len(set(lists)) == pages
        assert all("referrers=true" in each and "n=1000" in each for each in lists)
        assert not [each for each in server.requests if each.status == 301]


@pytest.mark.parametrize("last", ["v998", "fHp6", "YWJ8djUw"])
async def test_a_name_that_the_server_takes_for_another_marker_ends_no_list(last: str, tmp_path: Path) -> None:
    """Seen on 3.86 with its database: 400 for the first, nothing at all for the second, 500 for the third."""
    before = {f"{last[:-1]}--{number:04}" for number in range(PAGE - 1)}
    tags = {*before, last, f"{last}x"}
    assert sorted(tags)[PAGE - 1] == last
    async with stand(tmp_path) as (server, session):
        one = put_image(server, "one", *tags)
        assert (await session.list_tags()).tags == dict.fromkeys(map(Tag, tags), one.digest)


async def test_a_page_of_nothing_but_such_names_is_refused(tmp_path: Path) -> None:
    entries = [{**ENTRY, "name": "fHp6"}]
    async with stand(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        link = {"Link": '</gitlab/v1/x/?last=fHp6>; rel="next"'}
        server.faults.add(faulty("/tags/list/", Answer(200, json.dumps(entries).encode(), link)))
        with pytest.raises(IncompleteSource, match="fHp6"):
            await session.list_tags()


async def test_the_list_tells_all_that_matters_of_docker_images(tmp_path: Path) -> None:
    moments = iter(range(1_700_000_000, 1_800_000_000, 100))
    async with stand(tmp_path) as (server, session):
        server.storage._wall = lambda: next(moments)
        one = put_image(server, "one", "v1", "v2")
        listing = await session.list_tags()
        config = images.config("one")
        assert listing.tags == {"v1": one.digest, "v2": one.digest}
        assert listing.manifests == {
            one.digest: Manifest(one.digest, DOCKER_MANIFEST, 0, config=Digest.of(config), layers_size=len(config))
        }
        assert listing.put == {tag: int(at) for tag, at in server.storage.repositories[PATH].tagged.items()}
        assert listing.put[Tag("v1")] < listing.put[Tag("v2")]
        assert listing.pushed == {}
        assert listing.locked == {}


async def test_what_may_have_a_subject_or_children_is_read(tmp_path: Path) -> None:
    async with stand(tmp_path) as (server, session):
        one, two = put_image(server, "one", "v1"), put_image(server, "two")
        index = put(server, images.index(one, two), "multi")
        server.storage.put_blob(PATH, images.config("signature"))
        signature = images.image(images.config("signature"), subject=one)
        assert signature.media_type == OCI_MANIFEST
        put(server, signature, "signed-off")
        listing = await session.list_tags()
        assert listing.tags == {"v1": one.digest, "multi": index, "signed-off": signature.digest}
        assert listing.manifests.keys() == {one.digest}
        snapshot = await read_repository(session, SqliteDigestCache(None), needs_config=lambda _: True)
        assert snapshot.broken == {}
        assert snapshot.manifests[index].children == (one.digest, two.digest)
        assert snapshot.manifests[signature.digest].subject == one.digest
        assert set(snapshot.configs) == {Digest.of(images.config(text)) for text in ("one", "signature")}
        read = {path.rpartition("/")[2] for path in asked(server, "/manifests/")}
        assert read == {index, signature.digest, two.digest}


async def test_referrers_come_with_the_list_on_every_page(tmp_path: Path) -> None:
    async with stand(tmp_path) as (server, session):
        put_image(server, "many", *(f"a{number}" for number in range(PAGE)))
        last = put_image(server, "last", "z")
        server.storage.put_blob(PATH, images.config("signature"))
        signature = put(server, images.image(images.config("signature"), subject=last))
        await session.list_tags()
        assert await session.referrers(last.digest) == (signature,)
        assert not asked(server, "/referrers/")
        # Of an untagged one the list says nothing: the API is asked, found missing, and not asked again.
        assert await session.referrers(ABSENT) == ()
        assert await session.referrers(ABSENT) == ()
        assert len(asked(server, "/referrers/")) == 1


@pytest.mark.parametrize("tells", [True, False])
async def test_without_a_database_names_are_all_there_is(tells: bool, tmp_path: Path) -> None:
    async with stand(tmp_path, database=False, tells_database=tells) as (server, session):
        put_image(server, "one", *(f"v{number}" for number in range(PAGE + 5)))
        listing = await session.list_tags()
        assert listing.tags == {Tag(f"v{number}"): None for number in range(PAGE + 5)}
        assert not listing.put
        assert not listing.pushed
        assert not listing.manifests
        assert bool(asked(server, "/gitlab/v1/")) is not tells
        assert not asked(server, "/gitlab/v1/repositories")


async def test_an_older_server_with_a_database_is_asked_for_it_once(tmp_path: Path) -> None:
    async with stand(tmp_path, tells_database=False) as (server, session):
        one = put_image(server, "one", "v1")
        for _ in range(3):
            assert (await session.list_tags()).tags == {"v1": one.digest}
        assert [each.path for each in server.requests].count("/gitlab/v1/") == 1


async def test_a_page_of_gitlab_itself_is_not_taken_for_the_database(tmp_path: Path) -> None:
    """Where GitLab and its registry share a host, only /v2 may be the registry's."""
    async with stand(tmp_path, tells_database=False) as (server, session):
        put_image(server, "one", "v1")
        server.faults.add(faulty("/gitlab/v1/", Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html"})))
        assert (await session.list_tags()).tags == {"v1": None}


async def test_a_repository_that_is_not_there_and_one_that_may_not_be_seen(tmp_path: Path) -> None:
    for database in (True, False):
        async with stand(tmp_path, database=database) as (_, session):
            absent = Repository(session.repository.host, RepositoryPath("team/app/nothing"))
            listing = await session.registry.open(absent).list_tags()
            assert not listing.exists
            assert not listing.tags
            hidden = session.registry.open(Repository(session.repository.host, RepositoryPath("hidden/app")))
            with pytest.raises(Unauthorized, match="hidden/app"):
                await hidden.list_tags()
            with pytest.raises(Unauthorized, match=r"user 'maintainer' \(auths in .*config\.json\) nothing in"):
                await hidden.probe()


ENTRY = {"name": "v1", "digest": ABSENT, "media_type": DOCKER_MANIFEST, "created_at": "2024-05-01T10:00:00.000Z"}
BROKEN: dict[str, Action] = {
    "an object": Answer(200, b'{"message":"no"}'),
    "a page of a proxy": Answer(200, b"<html>Welcome</html>"),
    "half a list": Answer(200, json.dumps([ENTRY]).encode()[:-9]),
    "null": Answer(200, b"null"),
    "no digest": Answer(200, json.dumps([{**ENTRY, "digest": ""}]).encode()),
    "a configuration that is none": Answer(200, json.dumps([{**ENTRY, "config_digest": "sha256:1"}]).encode()),
    "a referrer that is none": Answer(200, json.dumps([{**ENTRY, "referrers": [{"digest": "x"}]}]).encode()),
    "a time without a zone": Answer(200, json.dumps([{**ENTRY, "created_at": "2024-05-01T10:00:00"}]).encode()),
    "the same tag twice": Answer(200, json.dumps([ENTRY, ENTRY]).encode()),
    "a bare 404": Answer(404, b"not found"),
    "a teapot": Answer(418, b"teapot"),
    "an empty page that goes on": Answer(200, b"[]", {"Link": '</gitlab/v1/x/?last=v1>; rel="next"'}),
    "a page that says there are more and more of the same": Answer(
        200, json.dumps([ENTRY]).encode(), {"Link": '</gitlab/v1/x/?last=v1>; rel="next"'}
    ),
    "one that breaks off": Truncate(20),
    "a server that is ill": Answer(500, b"<html>"),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
async def test_a_listing_that_is_not_one_is_never_read_as_complete(kind: str, tmp_path: Path) -> None:
    async with stand(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        assert (await session.list_tags()).tags
        server.faults.add(faulty("/tags/list/", BROKEN[kind]))
        with pytest.raises(IncompleteSource, match=r"team/app"):
            await session.list_tags()


async def test_a_later_page_that_fails_is_no_end(tmp_path: Path) -> None:
    for answer in (Answer(404, error("NAME_UNKNOWN")), Answer(200, b"{}"), Drop()):
        async with stand(tmp_path) as (server, session):
            put_image(server, "one", *(f"v{number}" for number in range(PAGE + 1)))
            server.faults.add(faulty("last=", answer))
            with pytest.raises(IncompleteSource):
                await session.list_tags()


async def test_a_link_that_a_proxy_took_away_loses_nothing(tmp_path: Path) -> None:
    async with stand(tmp_path) as (server, session):
        one = put_image(server, "one", *(f"v{number:04}" for number in range(PAGE + 7)))
        there = [{**ENTRY, "name": f"v{number:04}", "digest": one.digest} for number in range(PAGE)]
        await session.list_tags()
        server.faults.add(faulty("referrers=true$", Answer(200, json.dumps(there).encode()), times=1))
        assert len((await session.list_tags()).tags) == PAGE + 7


# What can be deleted


@pytest.mark.parametrize(
    ("quirks", "by_name", "by_digest", "listed", "overwrite"),
    [
        ({}, True, False, True, False),
        ({"protected": ["^v"]}, True, False, True, False),
        ({"database": False}, True, True, False, False),
        ({"database": False, "protected": [".*"]}, True, False, False, False),
        ({"database": False, "deletes": "tags/reference"}, True, True, False, False),
        ({"database": False, "deletes": "digests"}, False, True, False, True),
        ({"star": True}, True, False, True, False),
    ],
)
async def test_probe_finds_out_what_the_server_can_and_changes_nothing(
    quirks: dict[str, Any], by_name: bool, by_digest: bool, listed: bool, overwrite: bool, tmp_path: Path
) -> None:
    async with stand(tmp_path, **quirks) as (server, session):
        put_image(server, "one", "v1", "v2")
        before = dict(server.storage.repositories[PATH].tags)
        can = await session.probe()
        assert not can.forbidden, can.forbidden
        last = LastTag("goes-unlisted" if listed else "stays", takes_attached=False)
        assert can.tags == (TagDeletion(last) if by_name else None)
        stays = DigestDeletion(tombstones=SPARES_ALL, cost_grows=True) if overwrite else DigestDeletion()
        assert can.digests == (stays if by_digest else None)
        assert can.listing.digests == listed
        assert can.undo == UndoOutlook("push", 86_400 if listed else None)
        assert server.storage.repositories[PATH].tags == before
        assert server.rows == set()
        assert not any("push" in scope for scope in server.logins)


def test_the_sheet_declares_what_gitlab_com_can() -> None:
    assert PROFILE.can.tags
    assert not PROFILE.can.digests
    assert PROFILE.can.listing.page == PAGE


@pytest.mark.parametrize(
    "refusal",
    [Answer(404, b"404 page not found"), Answer(405, error("UNSUPPORTED")), Answer(400, error("DIGEST_INVALID"))],
)
async def test_however_an_old_server_refuses_the_new_path_the_old_one_is_found(refusal: Answer, tmp_path: Path) -> None:
    async with stand(tmp_path, database=False, deletes="tags/reference") as (server, session):
        one = put_image(server, "one", "v1", "v2")
        server.faults.add(faulty("/manifests/[^s]", refusal, method="DELETE"))
        assert (await session.probe()).tags
        assert await session.delete_tags([Tag("v1"), Tag("v1")]) == [Deleted(), AlreadyGone()]
        assert server.storage.repositories[PATH].tags == {"v2": one.digest}
        # The way is found once per host.
        assert len([path for path in asked(server, "holystone-probe") if "/manifests/" in path]) == 1


async def test_a_reply_that_nobody_can_understand_is_no_way(tmp_path: Path) -> None:
    async with stand(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        server.faults.add(faulty("/manifests/", Answer(418, b"teapot"), method="DELETE"))
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Failed)
        assert "418" in outcome.error


async def test_read_only_is_known_before_the_first_deletion(tmp_path: Path) -> None:
    async with stand(tmp_path, read_only=True) as (server, session):
        put_image(server, "one", "v1")
        can = await session.probe()
        assert can.forbidden
        assert "read-only" in can.forbidden
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)


async def test_maintenance_of_gitlab_stops_deletions_and_not_reading(tmp_path: Path) -> None:
    async with stand(tmp_path, maintenance=True) as (server, session):
        put_image(server, "one", "v1")
        assert (await session.list_tags()).tags.keys() == {"v1"}
        can = await session.probe()
        assert can.forbidden
        assert "maintenance mode" in can.forbidden
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)
        assert "maintenance mode" in outcome.what


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
    async with stand(tmp_path, "bad_login") as (server, session):
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
    async with stand(tmp_path, star=True) as (server, session):
        put_image(server, "one", "v1")
        assert not (await session.probe()).forbidden
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        deletions = [scope for scope in server.logins if "pull" not in scope.split(":")[-1]]
        assert deletions == ["repository:team/app:*"]


# Rules for tags


async def test_protected_and_immutable_tags_are_locked_before_planning(tmp_path: Path) -> None:
    async with stand(tmp_path, protected=[r"^v\d+$"], immutable=["-final"]) as (server, session):
        put_image(server, "one", "v1", "v1-rc", "1-final-2", "latest")
        listing = await session.list_tags()
        assert listing.locked == {
            "v1": r"GitLab's rule for protected tags '^v\\d+$'",
            "1-final-2": "GitLab's rule for immutable tags '-final'",
        }
        outcomes = await session.delete_tags([Tag("v1"), Tag("1-final-2"), Tag("latest")])
        assert outcomes == [Locked(listing.locked[Tag("v1")]), Locked(listing.locked[Tag("1-final-2")]), Deleted()]
        assert server.storage.repositories[PATH].tags.keys() == {"v1", "v1-rc", "1-final-2"}


async def test_a_rule_that_came_after_the_listing_is_met_and_named(tmp_path: Path) -> None:
    async with stand(tmp_path) as (server, session):
        put_image(server, "one", "v1", "v2")
        assert (await session.list_tags()).locked == {}
        await session.probe()
        server.lock(PATH, "v1")
        tokens = len(server.logins)
        first, second = await session.delete_tags([Tag("v1"), Tag("v2")])
        assert first == Locked("GitLab's rule for protected tags '^v1$'")
        assert second == Deleted()
        assert len(server.logins) - tokens <= 2, "no loop of new tokens"


async def test_a_rule_that_fits_the_probes_own_tag_is_no_obstacle(tmp_path: Path) -> None:
    async with stand(tmp_path, protected=[".*"]) as (server, session):
        put_image(server, "one", "v1")
        assert (await session.probe()).tags
        assert (await session.list_tags()).locked.keys() == {"v1"}


async def test_any_rule_forbids_deletions_by_digest(tmp_path: Path) -> None:
    async with stand(tmp_path, database=False, immutable=["^never-matches$"]) as (server, session):
        one = put_image(server, "one", "v1")
        (outcome,) = await session.delete_manifests([one.digest])
        assert isinstance(outcome, Locked)
        assert "by digest" in outcome.rule
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]


async def test_rules_that_the_registry_cannot_read_lock_everything(tmp_path: Path) -> None:
    for patterns in (["("], ["x" * 101], [f"^{number}$" for number in range(6)]):
        async with stand(tmp_path, protected=patterns) as (server, session):
            put_image(server, "one", "v1")
            assert (await session.list_tags()).locked.keys() == {"v1"}
    async with stand(tmp_path, protected=["("]) as (server, session):
        put_image(server, "one", "v1")
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Locked)
        assert server.storage.repositories[PATH].tags


def test_rules_are_searched_in_the_tag_as_go_does() -> None:
    rights = Rights(frozenset({"delete"}), protected=("release",), immutable=(r"^v\d+\.\d+$", "(?i)GOLD"))
    locked = rights.locked([Tag("a-release-1"), Tag("v1.2"), Tag("xv1.2"), Tag("golden"), Tag("other")])
    assert locked.keys() == {"a-release-1", "v1.2", "golden"}


@pytest.mark.parametrize(
    "claims", [{}, {"access": "all"}, {"access": [{"type": 1}]}, {"sub": "me"}, {"access": [{"type": "repository"}]}]
)
def test_claims_of_other_token_servers_say_nothing(claims: dict[str, Any]) -> None:
    assert read_rights(claims, PATH) is None


def test_only_the_claims_about_this_repository_count() -> None:
    entry = {"type": "repository", "name": "team/other", "actions": ["delete"], "meta": {"project_id": 1}}
    assert read_rights({"access": [entry]}, PATH) == Rights(frozenset())
    assert read_rights({"access": None}, PATH) == Rights(frozenset())
    rules = {"tag_deny_access_patterns": {"push": ["a"], "delete": ["b", "b"]}, "tag_immutable_patterns": None}
    mine = {"type": "repository", "name": PATH, "actions": ["pull", "delete"], "meta": rules}
    assert read_rights({"access": [entry, mine]}, PATH) == Rights(frozenset({"pull", "delete"}), protected=("b",))


def test_what_a_rule_says_is_short_and_told_once_for_all_tags() -> None:
    """Of a rule as long as a token may have, whoever stands for GitLab made 40 kB for each of half a million tags, in
    one go."""
    tags = [Tag(f"t{number}") for number in range(2000)]
    for rights in (
        Rights(frozenset(), protected=("\U000e0001" * 10_000,)),
        Rights(frozenset(), immutable=("(?:)|" + "\U000e0001" * 20,)),
        Rights(frozenset(), immutable=tuple(map(str, range(8000)))),
    ):
        begun = time.process_time()
        rules = rights.locked(tags)
        assert time.process_time() - begun < 0.2
        assert rules.keys() == set(tags)
        assert len({id(rule) for rule in rules.values()}) == 1
        assert max(map(len, rules.values())) < 200


# Deleting


async def test_a_tag_goes_and_its_siblings_and_its_manifest_stay(tmp_path: Path) -> None:
    for quirks in ({}, {"database": False}, {"database": False, "deletes": "tags/reference"}):
        async with stand(tmp_path, **quirks) as (server, session):
            one = put_image(server, "one", "v1", "v2")
            outcomes = await session.delete_tags([Tag("v1"), Tag("v1"), Tag("never")])
            assert outcomes == [Deleted(), AlreadyGone(), AlreadyGone()]
            assert server.storage.repositories[PATH].tags == {"v2": one.digest}
            assert await session.resolve(Tag("v1")) is None
            assert await session.resolve(one.digest) == one.digest


async def test_a_child_of_an_index_is_refused_where_there_is_a_database(tmp_path: Path) -> None:
    async with stand(tmp_path) as (server, session):
        one = put_image(server, "one")
        index = put(server, images.index(one), "multi")
        (child, parent, again) = await session.delete_manifests([one.digest, index, index])
        assert isinstance(child, Referenced)
        assert (parent, again) == (Deleted(), AlreadyGone())
        assert await session.delete_manifests([one.digest]) == [Deleted()]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(202), Deleted),
        (Answer(200), Deleted),
        (Answer(404, error("MANIFEST_UNKNOWN")), AlreadyGone),
        (Answer(404, error("NAME_UNKNOWN")), AlreadyGone),
        (Answer(404, b"404 page not found"), Failed),
        (Answer(401, error("PROTECTED_TAG")), Locked),
        (Answer(401, error("IMMUTABLE_TAG")), Locked),
        (Answer(401, error("PROTECTED_MANIFEST")), Locked),
        (Answer(400, error("TAG_PATTERN_COUNT_LIMIT_EXCEEDED")), Locked),
        (Answer(400, error("TAG_PROTECTION_PATTERN_INVALID")), Locked),
        (Answer(401, error("UNAUTHORIZED")), Forbidden),
        (Answer(403, error("DENIED")), Forbidden),
        (Answer(405, error("UNSUPPORTED")), Forbidden),
        (Answer(405, b"Method not allowed"), Forbidden),
        (Answer(409, error("MANIFEST_REFERENCED")), Referenced),
        (Answer(409, error("RENAME_IN_PROGRESS")), Failed),
        (Answer(409, error("SOMETHING_NEW")), Failed),
        (Answer(400, error("DIGEST_INVALID")), Failed),
        (Answer(500, error("UNKNOWN")), Failed),
        (Answer(503, error("UNAVAILABLE")), Failed),
        (Answer(418, b"teapot"), Failed),
    ],
)
async def test_what_a_reply_to_a_deletion_means(answer: Answer, expected: type[Outcome], tmp_path: Path) -> None:
    async with stand(tmp_path) as (server, session):
        put_image(server, "one", "v1", "v2")
        await session.probe()
        server.faults.add(faulty("/manifests/v1", answer, method="DELETE"))
        first, second = await session.delete_tags([Tag("v1"), Tag("v2")])
        assert isinstance(first, expected)
        assert second == Deleted(), "one that fails does not stop the next"


async def test_a_registry_that_goes_away_is_not_the_tags_fault(tmp_path: Path) -> None:
    async with stand(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        await session.probe()
        server.faults.add(faulty("/manifests/v1", Drop(), method="DELETE"))
        with pytest.raises(Unreachable):
            await session.delete_tags([Tag("v1")])


# Later, and tokens


@pytest.mark.parametrize(
    "answer",
    [
        Answer(429, b"Retry later\n", {"Content-Type": "text/plain"}),
        Answer(429, error("TOOMANYREQUESTS")),
        Answer(503, error("UNAVAILABLE")),
        Answer(409, error("RENAME_IN_PROGRESS")),
        Answer(400, error("CONNECTIONRESET")),
        Answer(400, error("REQUESTCANCELED")),
    ],
)
async def test_what_passes_is_tried_again(answer: Answer, tmp_path: Path) -> None:
    async with stand(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        await session.probe()
        server.faults.add(faulty("/tags/list/", answer, times=2))
        server.faults.add(faulty("/manifests/v1", answer, method="DELETE", times=2))
        assert (await session.list_tags()).tags.keys() == {"v1"}
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]


async def test_a_wait_that_the_server_names_is_waited(tmp_path: Path) -> None:
    async with stand(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        await session.list_tags()
        server.retry_after = 0.2
        server.throttle(1)
        begun = time.monotonic()
        assert (await session.list_tags()).tags.keys() == {"v1"}
        assert time.monotonic() - begun >= 0.2
        assert server.throttled == 0


async def test_the_token_server_throttles_too(tmp_path: Path) -> None:
    async with stand(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        server.faults.add(faulty("/jwt/auth", Answer(429, b"Retry later\n"), times=1))
        assert (await session.list_tags()).tags.keys() == {"v1"}


async def test_tokens_are_fetched_once_for_each_scope_and_renewed_when_they_end(tmp_path: Path) -> None:
    async with stand(tmp_path) as (server, session):
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
    async with stand(tmp_path, token_life=1) as (server, session):
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
    async with stand(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        await session.probe()
        server.expire_tokens()
        monkeypatch.setitem(PASSWORDS, MAINTAINER, "glpat-a-new-one")
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)
        assert "user 'maintainer'" in outcome.what
        assert "Access denied" in outcome.what


# Pushing back


async def test_what_was_deleted_is_pushed_back_and_only_that_asks_for_push(tmp_path: Path) -> None:
    async with stand(tmp_path) as (server, session):
        one = put_image(server, "one", "v1")
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        assert not any("push" in scope for scope in server.logins)
        assert not await session.restore(one.digest, [Tag("v1")])
        await session.push_manifest(Tag("v1"), one)
        assert server.storage.repositories[PATH].tags == {"v1": one.digest}
        assert server.logins[-1] == "repository:team/app:pull,push"
        with pytest.raises(BlobsMissing):
            await session.push_manifest(Tag("v2"), images.image(images.config("never pushed")))


@pytest.mark.parametrize(
    ("query", "code"), [("n=x", "TYPE"), ("n=0", "VALUE"), ("n=1001", "VALUE"), ("n=-1", "VALUE"), ("last=-", "VALUE")]
)
async def test_what_the_emulator_says_to_odd_questions_is_gitlabs(tmp_path: Path, query: str, code: str) -> None:
    """gitlab-org/container-registry, docs/spec/gitlab/api.md."""
    async with stand(tmp_path) as (_, session):
        reply = await session.read(f"/gitlab/v1/repositories/{PATH}/tags/list/?{query}", 10_000)
        assert (reply.status, error_code(reply)) == (400, f"INVALID_QUERY_PARAMETER_{code}")


async def test_pages_of_names_that_come_again_take_no_age() -> None:
    """As the server may send them: each is taken for another marker, so that all of them come once more."""
    digest = f"sha256:{'0' * 64}"
    names = [base64.b64encode(b"%05d|" % number).decode() for number in range(20_000)]
    pages = iter([["a", *names], [*reversed(names), "b"], []])

    async def get(path: str) -> Reply:
        body = msgspec.json.encode([{"name": name, "digest": digest, "media_type": ""} for name in next(pages)])
        url = URL(f"https://registry.example.com{path}", encoded=True)
        return Reply(200, CIMultiDictProxy(CIMultiDict()), body, url, url)

    begun = time.process_time()
    found = await list_detailed(get, Repository(RegistryHost("registry.example.com"), RepositoryPath("a/b")))
    assert len(found.listing.tags) + len(found.listing.odd) == 20_002
    assert time.process_time() - begun < 0.7
