"""The default adapter against every profile of the embedded registry, and against the real docker-registry."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from holystone.adapters.credentials.credential import Anonymous
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.default.registry import DefaultSession, OciRegistry
from holystone.adapters.registries.fingerprint import Fingerprint, Nobody, ask
from holystone.embedded.access import Anyone, Auth, TokenService, User
from holystone.embedded.faults import Answer, Fault, Truncate
from holystone.embedded.quirks import DISTRIBUTION_2_8, DISTRIBUTION_3, DISTRIBUTION_3_1, GITEA, OCI, ZOT, Quirks
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.errors import HolystoneError, IncompleteSource, Unreachable
from holystone.engine.model.capabilities import SPARES_ALL, Capabilities, Cascade, DigestDeletion, LastTag, TagDeletion
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Referenced
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.scheduler import Limits, Scheduler
from tests.support import images
from tests.support.docker_registry import docker_registry
from tests.support.http_site import site

PROFILES = {
    "distribution 2.8": DISTRIBUTION_2_8,
    "distribution 3.0": DISTRIBUTION_3,
    "distribution 3.1": DISTRIBUTION_3_1,
    "zot": ZOT,
    "gitea": GITEA,
    "specification": OCI,
}
TOKENS = TokenService({"": User("")}, service="container_registry", path="/v2/token")
ABSENT = Digest("sha256:" + "0" * 64)


@asynccontextmanager
async def connected(host: str) -> AsyncIterator[DefaultSession]:
    parsed = RegistryHost.parse(host)
    scheduler = Scheduler(Limits(attempts=2, host_patience=0.2))
    async with RegistryHttp(parsed, Anonymous()) as http:
        reads, writes = (scheduler.lane(parsed, "nobody", kind) for kind in ("read", "write"))

        async def fingerprint() -> Fingerprint:
            async with RegistryHttp(parsed, Anonymous(), signer=Nobody()) as nobody:
                return await ask(nobody, reads)

        registry = OciRegistry(parsed, http, reads, writes, fingerprint)
        yield registry.open(Repository(parsed, RepositoryPath("team/app")))


@pytest.fixture(params=[*PROFILES, "docker-registry"])
async def served(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[DefaultSession, Quirks]]:
    if request.param == "docker-registry":
        async with docker_registry(tmp_path) as real, connected(real.host) as session:
            yield session, DISTRIBUTION_2_8
    else:
        quirks = PROFILES[request.param]
        async with EmbeddedRegistry(quirks=quirks) as embedded, connected(embedded.host) as session:
            yield session, quirks


async def push_image(session: DefaultSession, text: str, *tags: str) -> Digest:
    config = images.config(text)
    manifest = images.image(config)
    await session.push_blob(config)
    for tag in tags or (manifest.digest,):
        await session.push_manifest(Tag(tag) if tags else manifest.digest, manifest)
    return manifest.digest


async def test_reads_back_what_was_pushed(served: tuple[DefaultSession, Quirks]) -> None:
    session, _ = served
    digest = await push_image(session, "one", "v1", "latest")
    config = images.config("one")
    listing = await session.list_tags()
    assert listing.exists
    assert set(listing.tags) == {Tag("v1"), Tag("latest")}
    assert await session.resolve(Tag("v1")) == digest
    assert await session.resolve(Tag("v2")) is None
    manifest = (await session.read_manifests([digest])).get(digest)
    assert manifest == images.image(config)
    assert (await session.read_manifests([ABSENT])).get(ABSENT) is None
    assert await session.read_blob(Digest.of(config)) == config
    assert await session.read_blob(ABSENT) is None


async def test_probe_finds_out_what_can_be_deleted_and_changes_nothing(
    served: tuple[DefaultSession, Quirks],
) -> None:
    session, quirks = served
    await push_image(session, "one", "v1")
    before = await session.list_tags()
    found = await session.probe()
    assert not found.forbidden
    assert bool(found.tags) == quirks.deletes_tags
    assert found.digests
    assert found.digests.cost_grows != quirks.deletes_tags
    assert await session.list_tags() == before


def leaves(can: Capabilities) -> tuple[bool, bool, bool]:
    """Whether a deleted tag leaves its siblings, a last one its manifest, and an overwritten one its manifest."""
    by_name = can.tags.last_tag if can.tags else None
    overwritten = can.digests.tombstones if can.digests else None
    return bool(by_name), by_name == SPARES_ALL, overwritten == SPARES_ALL


async def probed(quirks: Quirks, auth: Auth | None = None) -> Capabilities:
    async with (
        EmbeddedRegistry(quirks=quirks, auth=auth or Anyone()) as embedded,
        connected(embedded.host) as session,
    ):
        embedded.storage.put_blob("team/app", images.config("one"))
        raw = images.image(images.config("one"))
        embedded.storage.put_manifest("team/app", raw.body, raw.media_type, "v1")
        return await session.probe()


@pytest.mark.parametrize(
    ("quirks", "shown"),
    [
        (DISTRIBUTION_2_8, (False, False, True)),
        (DISTRIBUTION_3, (True, True, True)),
        (DISTRIBUTION_3_1, (True, True, True)),
        (ZOT, (False, False, False)),
        (OCI, (False, False, False)),
        (GITEA, (True, False, False)),
    ],
)
async def test_only_what_a_server_was_shown_to_leave_is_trusted_to_stay(
    quirks: Quirks, shown: tuple[bool, bool, bool]
) -> None:
    assert leaves(await probed(quirks, TOKENS if quirks is GITEA else None)) == shown


@pytest.mark.parametrize(
    "quirks",
    [
        # Whoever answers with 2.8's words and deletes by tag, or with 3's and does not, is neither.
        msgspec.structs.replace(OCI, absent_tag="document"),
        msgspec.structs.replace(DISTRIBUTION_2_8, absent_tag="unknown-tag"),
        msgspec.structs.replace(DISTRIBUTION_2_8, absent_tag="words"),
        msgspec.structs.replace(DISTRIBUTION_3_1, silent=True),
        msgspec.structs.replace(DISTRIBUTION_3_1, absent_tag="words"),
    ],
)
async def test_what_looks_like_distribution_is_not_taken_for_it(quirks: Quirks) -> None:
    found = await probed(quirks)
    assert leaves(found) == (False, False, False)
    assert found.digests == DigestDeletion(tombstones=LastTag("may-go", takes_attached=True))
    assert found.cascade == Cascade(referrers=True, children=True)


async def test_a_referrers_api_is_no_sign_that_it_is_not_distribution() -> None:
    assert leaves(await probed(msgspec.structs.replace(DISTRIBUTION_3_1, referrers_api=True))) == (True, True, True)


async def test_gitea_is_known_by_its_challenge() -> None:
    found = await probed(GITEA, TOKENS)
    assert found.tags == TagDeletion(LastTag("goes-unanchored", takes_attached=False))
    assert found.undo.way == "none"
    assert (await probed(GITEA)).tags == TagDeletion(), "without a challenge nothing shows it"


async def test_a_server_that_says_what_it_is_is_not_cleaned_as_another_one_in_silence() -> None:
    harbor = TokenService({"": User("")}, service="harbor-registry", path="/service/token")
    found = await probed(OCI, harbor)
    assert "Harbor" in found.warnings[0]
    assert found.cascade.referrers
    assert not (await probed(OCI)).warnings


@pytest.mark.parametrize("quirks", [DISTRIBUTION_2_8, DISTRIBUTION_3, DISTRIBUTION_3_1])
async def test_probe_names_the_setting_where_deletion_is_off(quirks: Quirks) -> None:
    async with (
        EmbeddedRegistry(quirks=quirks.without_deletion()) as embedded,
        connected(embedded.host) as session,
    ):
        found = await session.probe()
        assert found.forbidden
        assert "REGISTRY_STORAGE_DELETE_ENABLED=true" in found.forbidden


async def test_probe_of_a_real_registry_with_deletion_off(tmp_path: Path) -> None:
    async with docker_registry(tmp_path, delete=False) as real, connected(real.host) as session:
        found = await session.probe()
        assert found.forbidden
        assert "REGISTRY_STORAGE_DELETE_ENABLED=true" in found.forbidden


async def test_digest_delete_and_its_outcomes(served: tuple[DefaultSession, Quirks]) -> None:
    session, _ = served
    digest = await push_image(session, "one", "v1", "v2")
    assert await session.delete_manifests([digest, digest, ABSENT]) == [
        Deleted(),
        AlreadyGone(),
        AlreadyGone(),
    ]
    assert await session.resolve(Tag("v2")) is None


async def test_tag_delete_where_it_exists(served: tuple[DefaultSession, Quirks]) -> None:
    session, quirks = served
    if not quirks.deletes_tags:
        pytest.skip("this server cannot delete tags")
    digest = await push_image(session, "one", "v1", "v2")
    assert await session.delete_tags([Tag("v1"), Tag("v1")]) == [Deleted(), AlreadyGone()]
    assert await session.resolve(Tag("v2")) == digest


async def test_a_child_of_an_index_is_reported_as_referenced() -> None:
    async with EmbeddedRegistry(quirks=ZOT) as embedded, connected(embedded.host) as session:
        child = await push_image(session, "child")
        raw = (await session.read_manifests([child])).get(child)
        assert raw
        await session.push_manifest(Tag("multi"), images.index(raw))
        (outcome,) = await session.delete_manifests([child])
        assert isinstance(outcome, Referenced)


async def test_an_unknown_repository_is_empty_and_says_so(served: tuple[DefaultSession, Quirks]) -> None:
    session, _ = served
    listing = await session.list_tags()
    assert not listing.exists
    assert not listing.tags


@pytest.mark.parametrize("count", [999, 1000, 1001, 2000])
async def test_listing_is_complete_at_page_boundaries(count: int) -> None:
    config = images.config("one")
    manifest = images.image(config)
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_3_1) as embedded,
        connected(embedded.host) as session,
    ):
        embedded.storage.put_blob("team/app", config)
        for number in range(count):
            embedded.storage.put_manifest("team/app", manifest.body, manifest.media_type, f"v{number}")
        assert len((await session.list_tags()).tags) == count


async def test_referrers_by_the_api_and_its_absence_asked_once() -> None:
    async with EmbeddedRegistry(quirks=ZOT) as embedded, connected(embedded.host) as session:
        subject = await push_image(session, "one", "v1")
        raw = (await session.read_manifests([subject])).get(subject)
        assert raw
        signature = images.image(images.config("signature"), subject=raw)
        await session.push_blob(images.config("signature"))
        await session.push_manifest(signature.digest, signature)
        assert list(await session.referrers(subject)) == [signature.digest]
        assert list(await session.referrers(ABSENT)) == []
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_2_8) as embedded,
        connected(embedded.host) as session,
    ):
        assert not await session.referrers(ABSENT)
        asked = len(embedded.requests)
        assert not await session.referrers(ABSENT)
        assert len(embedded.requests) == asked


BROKEN = {
    "cut short": Answer(200, b'{"name":"team/app","tags":["v1","v'),
    "a page of a proxy": Answer(200, b"<html>Welcome</html>"),
    "no tags key": Answer(200, b"{}"),
    "bytes that are no text": Answer(200, b'{"name":"team/app","tags":["\xff\xfe"]}'),
    "nested without end": Answer(200, b'{"tags":' + b"[" * 100_000),
    "a bare 404": Answer(404, b"not found"),
    "a bad digest": Answer(418, b"teapot"),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
async def test_a_listing_that_is_not_one_is_never_read_as_empty(kind: str) -> None:
    faults = (Fault("GET", r"/tags/list", BROKEN[kind], times=10),)
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_2_8, faults=faults) as embedded,
        connected(embedded.host) as session,
    ):
        with pytest.raises(IncompleteSource, match=r"127\.0\.0\.1"):
            await session.list_tags()


async def test_a_reply_that_breaks_off_is_never_read_as_complete() -> None:
    faults = (Fault("GET", r"/tags/list", Truncate(), times=10),)
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_2_8, faults=faults) as embedded,
        connected(embedded.host) as session,
    ):
        await push_image(session, "one", "v1")
        with pytest.raises(IncompleteSource):
            await session.list_tags()


async def test_a_registry_that_is_down() -> None:
    async with connected("127.0.0.1:1") as session:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
            await session.list_tags()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(405, b'{"errors":[{"code":"UNSUPPORTED"}]}'), Forbidden),
        (Answer(405, b"Method not allowed"), Forbidden),
        (Answer(404, b"<html>"), Failed),
        (Answer(400, b'{"errors":[{"code":"NAME_UNKNOWN"}]}'), AlreadyGone),
        (Answer(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}'), Failed),
        (Answer(403, b'{"errors":[{"code":"DENIED"}]}'), Forbidden),
        (Answer(503, b"busy"), Failed),
    ],
)
async def test_odd_replies_to_a_deletion(answer: Answer, expected: type) -> None:
    faults = (Fault("DELETE", r"/manifests/", answer, times=10),)
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_2_8, faults=faults) as embedded,
        connected(embedded.host) as session,
    ):
        (outcome,) = await session.delete_manifests([ABSENT])
        assert isinstance(outcome, expected)


@pytest.mark.parametrize("body", [b'{"errors":[{"code":"UNSUPPORTED"}]}', b"Method not allowed"])
async def test_one_405_is_not_said_to_be_the_servers_switch(body: bytes) -> None:
    faults = (Fault("DELETE", r"/manifests/", Answer(405, body)),)
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_2_8, faults=faults) as embedded,
        connected(embedded.host) as session,
    ):
        (outcome,) = await session.delete_manifests([ABSENT])
        assert isinstance(outcome, Forbidden)
        assert outcome.what.startswith("405")
        assert "switched off" not in outcome.what
        assert "maintenance" not in outcome.what


@pytest.mark.parametrize("status", [401, 403, 405])
async def test_a_refusal_that_is_not_repeated_does_not_say_that_nothing_can_be_deleted(status: int) -> None:
    faults = (Fault("DELETE", r"/manifests/", Answer(status, b"{}")),)
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_2_8, faults=faults) as embedded,
        connected(embedded.host) as session,
    ):
        await push_image(session, "one", "v1")
        assert not (await session.probe()).forbidden


@pytest.mark.parametrize(("marked", "expected"), [(True, Deleted), (False, Failed)])
async def test_a_deletion_that_something_else_says_is_done_counts_as_failed_until_it_is_seen(
    marked: bool, expected: type
) -> None:
    """distribution's name for its API is on every reply of its own."""
    mark = {"Docker-Distribution-Api-Version": "registry/2.0"} if marked else {}
    async with site(_in_its_place(mark)) as embedded, connected(str(embedded.host)) as session:
        await session.probe()
        (outcome,) = await session.delete_manifests([ABSENT])
        assert isinstance(outcome, expected)


async def test_where_no_reply_to_a_deletion_has_the_mark_none_is_missed() -> None:
    async with (
        site(_in_its_place({}, marks=False)) as embedded,
        connected(str(embedded.host)) as session,
    ):
        await session.probe()
        assert await session.delete_manifests([ABSENT]) == [Deleted()]


def _in_its_place(mark: dict[str, str], *, marks: bool = True) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A registry that says 404 to all, and 202 with the headers `mark` to the deletion of ABSENT."""
    its_own = {"Docker-Distribution-Api-Version": "registry/2.0"} if marks else {}

    async def answer(request: web.Request) -> web.Response:
        if request.method == "DELETE" and request.path.endswith(ABSENT):
            return web.Response(status=202, headers=mark)
        return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status=404, headers=its_own)

    return answer


async def test_one_false_404_does_not_make_another_server_of_distribution() -> None:
    """Its answers to a GET and to a DELETE of an absent tag are told apart; a server that answers the one as 2.8 does
    and deletes by tag is asked twice before that is believed."""
    not_known = Answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
    fault = Fault("DELETE", "/manifests/holystone-probe", not_known)
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_2_8, faults=(fault,)) as embedded,
        connected(embedded.host) as session,
    ):
        found = await session.probe()
        assert leaves(found) == (False, False, True)


@pytest.mark.parametrize(
    ("access", "lacks"),
    [
        ([{"type": "repository", "name": "team/app", "actions": ["pull", "delete"]}], "the right to push"),
        ([], "the right to push"),
        ([{"name": "team/app", "actions": ["pull", "push"]}], ""),
        ([{"name": "team/app", "actions": ["*"]}], ""),
        ("no list", ""),
        (None, ""),
    ],
)
async def test_the_token_says_beforehand_whether_undo_may_push(
    access: object, lacks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_3_1) as embedded,
        connected(embedded.host) as session,
    ):
        asked: list[str] = []

        async def granted(scope: str, **_: object) -> dict[str, object]:
            asked.append(scope)
            return {} if access is None else {"access": access}

        monkeypatch.setattr(session.http, "granted", granted)
        assert (await session.probe()).undo.lacks == lacks
        assert asked == [f"repository:{session.repository.path}:pull,push"]


@pytest.mark.parametrize(("status", "found"), [(200, True), (404, False), (401, None), (403, None), (405, None)])
async def test_only_404_says_that_a_blob_is_not_there(status: int, found: bool | None) -> None:
    fault = Fault("HEAD", "/blobs/", Answer(status), times=None)
    async with EmbeddedRegistry(faults=(fault,)) as embedded, connected(embedded.host) as session:
        if found is None:
            with pytest.raises(HolystoneError):
                await session.has_blob(ABSENT)
        else:
            assert await session.has_blob(ABSENT) is found
