"""Docker Hub's adapter against its emulator, and against replies that are none."""

import base64
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import anyio
import msgspec
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.credentials.credential import Anonymous, Credential, UserPassword
from holystone.adapters.credentials.docker_config import DockerConfig
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.dockerhub import replies
from holystone.adapters.registries.dockerhub.connect import connect
from holystone.adapters.registries.dockerhub.locks import ImmutableTags, locked
from holystone.adapters.registries.dockerhub.login import HubLogin
from holystone.adapters.registries.dockerhub.profile import PROFILE
from holystone.adapters.registries.dockerhub.registry import DockerHubSession
from holystone.adapters.registries.endpoint import Endpoint
from holystone.embedded.faults import Answer, Drop, Fault, Truncate
from holystone.engine.errors import IncompleteSource, RegistryFailure, Unauthorized, Unreachable, Unseen, UsageError
from holystone.engine.model.capabilities import LastTag, TagDeletion
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.scheduler import Limits, RateLimited, Scheduler
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.dockerhub import Account, DockerHubEmulator, Rules
from tests.emulators.vendor import Login
from tests.support import images
from tests.support.command_line import hasty

PATH = DockerHubEmulator.path
HUB = "/v2/namespaces/team/repositories/app"
ABSENT = Digest("sha256:" + "0" * 64)
NOBODY = Login()


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    with hasty():
        yield


@asynccontextmanager
async def opened(
    emulator: DockerHubEmulator, folder: Path, login: Login | None = None, path: str = PATH
) -> AsyncIterator[DockerHubSession]:
    """As the program does it. The emulator serves already."""
    chosen = emulator.login() if login is None else login
    environ = {**emulator.environ, **chosen.environ}
    (folder / "config.json").write_text(json.dumps(chosen.docker_config))
    connections = Connections(
        folder,
        access=resolve_access(Given({}, environ)),
        environ=environ,
        limits=Limits(attempts=4, host_patience=0.2),
    )
    async with connections:
        repository = Repository(RegistryHost.parse(emulator.host), RepositoryPath(path))
        session = await connections.session(repository, "dockerhub")
        assert isinstance(session, DockerHubSession)
        yield session


@asynccontextmanager
async def served(
    folder: Path, *faults: Fault, login: Login | None = None, **quirks: Any
) -> AsyncIterator[tuple[DockerHubEmulator, DockerHubSession]]:
    emulator = DockerHubEmulator(**quirks)
    for fault in faults:
        emulator.faults.add(fault)
    async with emulator, opened(emulator, folder, login) as session:
        yield emulator, session


def put(emulator: DockerHubEmulator, text: str, *tags: str, path: str = PATH) -> RawManifest:
    config = images.config(text)
    emulator.storage.put_blob(path, config)
    raw = images.image(config)
    for tag in tags or (None,):
        emulator.storage.put_manifest(path, raw.body, raw.media_type, tag)
    return raw


def asked(emulator: DockerHubEmulator, method: str, prefix: str) -> list[str]:
    return [each.path for each in emulator.requests if each.method == method and each.path.startswith(prefix)]


def options(user: str, password: str) -> Login:
    return Login(
        environ={"WERF_REPO_DOCKER_HUB_USERNAME": user, "WERF_REPO_DOCKER_HUB_PASSWORD": password}, secrets=(password,)
    )


# Listing


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 201, 350])
async def test_a_listing_is_complete_whatever_the_pages(tmp_path: Path, count: int) -> None:
    async with served(tmp_path) as (emulator, session):
        emulator.storage.repository(PATH)
        for number in range(count):
            put(emulator, f"{number // 3}", f"v{number}")
        listing = await session.list_tags()
        assert listing.exists
        assert dict(listing.tags) == emulator.storage.repositories[PATH].tags
        assert len(asked(emulator, "GET", f"{HUB}/tags")) == max(1, -(-count // 100))


async def test_what_a_listing_says_of_each_tag(tmp_path: Path) -> None:
    now = itertools.count(1_760_000_000, 100)
    async with served(tmp_path, clock=lambda: next(now)) as (emulator, session):
        shared = put(emulator, "shared", "v1", "latest")
        child = put(emulator, "child")
        both = images.index(shared, child)
        emulator.storage.put_manifest(PATH, both.body, both.media_type, "multi")
        listing = await session.list_tags()
        assert listing.tags == {"v1": shared.digest, "latest": shared.digest, "multi": both.digest}
        there = emulator.storage.repositories[PATH]
        assert listing.put == {tag: int(there.tagged[tag]) for tag in ("v1", "latest", "multi")}
        assert len({*listing.put.values()}) == 3
        assert listing.pushed == {}
        assert listing.locked == {}
        assert listing.untagged == ()


@pytest.mark.parametrize("said", [None, "", "0001-01-01T00:00:00Z", "yesterday", "9999-99-99"])
async def test_a_time_that_is_none_is_left_out(tmp_path: Path, said: str | None) -> None:
    result = {"name": "v1", "digest": ABSENT, "tag_last_pushed": said}
    answer = Answer(200, json.dumps({"count": 1, "next": None, "results": [result]}).encode())
    async with served(tmp_path, Fault("GET", r"/tags\?", answer)) as (emulator, session):
        put(emulator, "one", "v1")
        listing = await session.list_tags()
        assert listing.tags == {"v1": ABSENT}
        assert listing.put == {}


async def test_a_digest_that_the_list_does_not_say_is_looked_up_without_a_pull(tmp_path: Path) -> None:
    async with served(tmp_path, digests=False, pulls=0) as (emulator, session):
        raw = put(emulator, "one", "v1")
        listing = await session.list_tags()
        assert listing.tags == {"v1": None}
        assert listing.put.keys() == {"v1"}, "it says when all the same"
        assert await session.resolve(Tag("v1")) == raw.digest
        assert emulator.pulls == 0


def _push(emulator: DockerHubEmulator, _: int) -> None:
    emulator.between_pages = None
    put(emulator, "new", "new")


def _delete(emulator: DockerHubEmulator, _: int) -> None:
    emulator.between_pages = None
    emulator.storage.delete_tag(PATH, "v249")


def _delete_a_page(emulator: DockerHubEmulator, _: int) -> None:
    emulator.between_pages = None
    for number in range(150):
        emulator.storage.delete_tag(PATH, f"v{number}")


def _push_over_an_old_one(emulator: DockerHubEmulator, _: int) -> None:
    """The number of tags stays, but their order changes: one is on no page that is read, another on two."""
    emulator.between_pages = None
    put(emulator, "new", "v0")


@pytest.mark.parametrize("change", [_push, _delete, _delete_a_page, _push_over_an_old_one])
async def test_pages_that_shift_while_they_are_read_are_read_again(tmp_path: Path, change: Any) -> None:
    now = itertools.count(1_760_000_000, 1)
    async with served(tmp_path, between_pages=change, clock=lambda: next(now)) as (emulator, session):
        for number in range(250):
            put(emulator, f"{number}", f"v{number}")
        listing = await session.list_tags()
        assert dict(listing.tags) == emulator.storage.repositories[PATH].tags
        assert len(asked(emulator, "GET", f"{HUB}/tags?page=1&")) == 2


async def test_a_list_that_never_stands_still_is_not_taken_for_complete(tmp_path: Path) -> None:
    new = itertools.count()

    def push(emulator: DockerHubEmulator, _: int) -> None:
        put(emulator, "new", f"new{next(new)}")

    async with served(tmp_path, between_pages=push) as (emulator, session):
        for number in range(150):
            put(emulator, "old", f"v{number}")
        with pytest.raises(IncompleteSource, match="3 times in a row"):
            await session.list_tags()
        assert len(asked(emulator, "GET", f"{HUB}/tags?page=1&")) == 3


def page(count: int, *names: str, then: str | None = None) -> Answer:
    results = [{"name": name, "digest": ABSENT} for name in names]
    return Answer(200, json.dumps({"count": count, "next": then, "results": results}).encode())


async def test_a_next_page_on_another_host_is_asked_for_at_home(tmp_path: Path) -> None:
    elsewhere = page(2, "v1", then="http://169.254.169.254/v2/steal?page=2")
    faults = (Fault("GET", r"page=1&", elsewhere), Fault("GET", r"page=2&", page(2, "v2")))
    async with served(tmp_path, *faults) as (emulator, session):
        put(emulator, "one", "v1")
        assert (await session.list_tags()).tags.keys() == {"v1", "v2"}


@pytest.mark.parametrize(
    "answers",
    [
        [page(2, "v1")],
        [page(1, "v1", "v2")],
        [page(0, "v1")],
        [page(1, "v1", "v1")],
        [page(1, "v1", then="/next")],
        [page(2, "v1", then="/next"), page(2, "v1")],
        [page(2, "v1", then="/next"), page(3, "v2")],
        [page(2, "v1", then="/next"), page(2, "v2", then="/next")],
        [page(2, "v1", then="/next"), page(2)],
        [page(2, then="/next")],
        [page(10**9, "v1", then="/next")],
        [Answer(200, b'{"count":1,"results":[{"name":"v1"}]}')],
        [Answer(200, b'{"count":1,"next":null,"results":[{"digest":"sha256:0"}]}')],
        [Answer(200, b'{"count":1,"next":null,"results":[{"name":"v1","digest":"sha256:0"}]}')],
        [Answer(200, b'{"count":null,"next":null,"results":[]}')],
        [Answer(200, b'{"count":0,"next":null,"results":null}')],
        [Answer(200, b"[]")],
        [Answer(200, b'{"count":1,"next":null,"results":[{"na')],
        [Answer(200, b"<html>Welcome</html>")],
        [Answer(200)],
        [Answer(404, b'{"message":"object not found"}')],
        [Answer(404, b"404 page not found")],
        [Answer(418, b"teapot")],
        [page(2, "v1", then="/next"), Answer(403, b'{"message":"permission denied"}')],
        [page(2, "v1", then="/next"), Answer(502)],
    ],
)
async def test_a_list_that_is_none_is_never_read_as_complete(tmp_path: Path, answers: list[Answer]) -> None:
    faults = [
        Fault("GET", rf"/tags\?page={number}&", answer, times=None) for number, answer in enumerate(answers, start=1)
    ]
    async with served(tmp_path, *faults) as (emulator, session):
        put(emulator, "one", "v1")
        with pytest.raises(IncompleteSource, match=r"127\.0\.0\.1"):
            await session.list_tags()


async def test_a_reply_that_breaks_off_is_never_read_as_complete(tmp_path: Path) -> None:
    async with served(tmp_path, Fault("GET", r"/tags\?", Truncate(40), times=None)) as (emulator, session):
        put(emulator, "one", "v1")
        with pytest.raises(IncompleteSource, match="cut short"):
            await session.list_tags()


@pytest.mark.parametrize("body", [b"[]", b"<html>", b'{"immutable_tags_settings":{"enabled":true,"rules":"v.*"}}', b""])
async def test_a_repository_whose_rules_cannot_be_read_is_not_listed(tmp_path: Path, body: bytes) -> None:
    async with served(tmp_path, Fault("GET", rf"{HUB}$", Answer(200, body), times=None)) as (emulator, session):
        put(emulator, "one", "v1")
        with pytest.raises(IncompleteSource, match="is no repository"):
            await session.list_tags()


# Absent, or forbidden


async def test_a_repository_that_nobody_pushed_is_absent(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, session):
        listing = await session.list_tags()
        assert not listing.exists
        assert listing.tags == {}
        assert not (await session.probe()).forbidden


@pytest.mark.parametrize("there", [True, False])
async def test_to_a_stranger_a_private_repository_is_neither_absent_nor_empty(tmp_path: Path, there: bool) -> None:
    async with served(tmp_path, login=NOBODY) as (emulator, session):
        if there:
            put(emulator, "one", "v1")
        with pytest.raises(Unauthorized, match="does not exist, or must not be seen") as raised:
            await session.list_tags()
        assert "there is no credential for the Hub API (there is none for 127.0.0.1" in raised.value.message
        assert "--repo-docker-hub-username" in raised.value.what_to_do


async def test_a_repository_that_only_the_registry_knows_is_not_absent(tmp_path: Path) -> None:
    hidden = Answer(404, b'{"message":"object not found","errinfo":{}}')
    async with served(tmp_path, Fault("GET", rf"{HUB}$", hidden)) as (emulator, session):
        put(emulator, "one", "v1")
        with pytest.raises(Unauthorized, match="but the registry has it") as raised:
            await session.list_tags()
        assert not isinstance(raised.value, Unseen), "it is there"


async def test_a_repository_that_neither_shows_to_a_user_is_there_or_not(tmp_path: Path) -> None:
    hidden = Answer(404, b'{"message":"object not found","errinfo":{}}')
    refused = Answer(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', {"WWW-Authenticate": 'Basic realm="hub"'})
    async with served(
        tmp_path, Fault("GET", rf"{HUB}$", hidden), Fault("GET", r"/v2/.*/tags/list", refused, times=None)
    ) as (_, session):
        with pytest.raises(Unseen, match="does not exist, or must not be seen"):
            await session.list_tags()


async def test_an_address_where_no_hub_api_is_is_not_an_absent_repository(tmp_path: Path) -> None:
    async with served(tmp_path, Fault("GET", rf"{HUB}$", Answer(404, b"404 page not found"))) as (_, session):
        with pytest.raises(IncompleteSource, match="404 page not found"):
            await session.list_tags()


@pytest.mark.parametrize("path", ["app", "team/app/stages"])
async def test_a_repository_has_exactly_two_parts(tmp_path: Path, path: str) -> None:
    async with DockerHubEmulator() as emulator, opened(emulator, tmp_path, path=path) as session:
        for ask in (session.list_tags, session.probe):
            with pytest.raises(UsageError, match="exactly two parts"):
                await ask()


async def test_a_hub_that_is_down(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        put(emulator, "one", "v1")
        await session.list_tags()
        await emulator.__aexit__(None, None, None)
        with pytest.raises(Unreachable):
            await session.list_tags()
        with pytest.raises(Unreachable):
            await session.delete_tags([Tag("v1")])


# Immutable tags


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (None, set()),
        (ImmutableTags(enabled=False, rules=[".*"]), set()),
        (ImmutableTags(enabled=True, rules=[".*"]), {"v1.0", "v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True, rules=[r"^v[0-9]+\.[0-9]+$"]), {"v1.0"}),
        (ImmutableTags(enabled=True, rules=["rc", "^latest$"]), {"v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True, rules=[]), {"v1.0", "v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True), {"v1.0", "v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True, rules=["^v9$", "("]), {"v1.0", "v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True, rules=["(?=v)"]), {"v1.0", "v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True, rules=["\ud800"]), {"v1.0", "v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True, rules=["^v9$"] * 1000), {"v1.0", "v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True, rules=["x" * 5000]), {"v1.0", "v1.0-rc", "latest"}),
    ],
)
def test_which_tags_a_rule_locks(settings: ImmutableTags | None, expected: set[str], capfd: Any) -> None:
    found = locked(settings, [Tag("v1.0"), Tag("v1.0-rc"), Tag("latest")])
    assert found.keys() == expected
    assert all("immutable tags" in rule for rule in found.values())
    assert capfd.readouterr().err == ""


def test_no_rules_take_an_age() -> None:
    """As whoever stands for the Hub may send them; nothing else runs meanwhile."""
    rules = [rf"\pL{{100}}{number}" for number in range(100)]
    begun = time.process_time()
    assert locked(ImmutableTags(enabled=True, rules=rules), [Tag("x" * 128)]).keys() == {"x" * 128}
    assert time.process_time() - begun < 1


def test_what_a_rule_says_is_short_and_told_once_for_all_tags() -> None:
    """It was made for each tag anew, 10 kB of a rule of signs that nobody sees: five gigabytes for half a million."""
    tags = [Tag(f"t{number}") for number in range(2000)]
    found = locked(ImmutableTags(enabled=True, rules=["(?:)|" + "\U000e0001" * 990]), tags)
    assert found.keys() == set(tags)
    assert len({id(rule) for rule in found.values()}) == 1
    assert max(map(len, found.values())) < 300


async def test_immutable_tags_are_known_before_anything_is_planned(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        put(emulator, "one", "v1", "v1-rc")
        emulator.lock(PATH, "v1")
        assert (await session.list_tags()).locked == {"v1": "immutable tags: the rule '^v1$'"}
        assert not (await session.probe()).forbidden


@pytest.mark.parametrize("status", [400, 403, 409, 423])
async def test_a_tag_that_became_immutable_is_locked_whatever_the_refusal_says(tmp_path: Path, status: int) -> None:
    async with served(tmp_path, immutable_status=status) as (emulator, session):
        put(emulator, "one", "v1", "v2")
        emulator.rules[PATH] = Rules(enabled=True, rules=["1$"])
        assert await session.delete_tags([Tag("v1"), Tag("v2")]) == [
            Locked("immutable tags: the rule '1$'"),
            Deleted(),
        ]
        assert emulator.storage.repositories[PATH].tags.keys() == {"v1"}


# Deleting


async def test_a_tag_goes_alone(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        raw = put(emulator, "one", "v1", "latest")
        gone = await session.delete_tags([Tag("v1"), Tag("v1"), Tag("v2")])
        assert gone == [Deleted(), AlreadyGone(), AlreadyGone()]
        there = emulator.storage.repositories[PATH]
        assert there.tags == {"latest": raw.digest}
        assert await session.delete_tags([Tag("latest")]) == [Deleted()]
        assert raw.digest in there.manifests


async def test_manifests_are_left_alone(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        raw = put(emulator, "one", "v1")
        asked_before = len(emulator.requests)
        (outcome,) = await session.delete_manifests([raw.digest])
        assert isinstance(outcome, Failed)
        assert len(emulator.requests) == asked_before


async def test_a_deleted_tag_is_pushed_again(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        raw = put(emulator, "one", "v1")
        await session.delete_tags([Tag("v1")])
        assert not await session.restore(raw.digest, [Tag("v1")])
        await session.push_manifest(Tag("v1"), raw)
        assert (await session.list_tags()).tags == {"v1": raw.digest}


@pytest.mark.parametrize("newer", ["404", "405"])
@pytest.mark.parametrize("probed", [True, False])
async def test_the_older_address_is_used_where_the_newer_is_none(tmp_path: Path, newer: str, probed: bool) -> None:
    async with served(tmp_path, newer_delete=newer) as (emulator, session):
        put(emulator, "one", "v1", "v2", "v3")
        if probed:
            assert not (await session.probe()).forbidden
        tried = len(asked(emulator, "DELETE", "/v2/namespaces/"))
        assert await session.delete_tags([Tag("v1"), Tag("v2"), Tag("v3")]) == [Deleted()] * 3
        assert len(asked(emulator, "DELETE", "/v2/namespaces/")) == (tried if probed else 1)
        assert asked(emulator, "DELETE", "/v2/repositories/")[-1] == "/v2/repositories/team/app/tags/v3/"


async def test_the_newer_address_is_enough_where_it_works(tmp_path: Path) -> None:
    async with served(tmp_path, older_delete=False) as (emulator, session):
        put(emulator, "one", "v1")
        assert await session.delete_tags([Tag("v1"), Tag("v1")]) == [Deleted(), AlreadyGone()]
        assert asked(emulator, "DELETE", "/v2/repositories/") == []


async def test_not_found_of_a_tag_that_is_there_is_a_failure(tmp_path: Path) -> None:
    """As it would be if Docker Hub hid the lack of a right."""
    async with served(tmp_path, masks_rights=True) as (emulator, session):
        emulator.let_in(Account("pat", "rob", emulator.accounts[0].secret, frozenset({"read"})))
        put(emulator, "one", "v1")
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Failed)
        assert "object not found" in outcome.error


async def test_trouble_behind_docker_hub_passes(tmp_path: Path) -> None:
    async with served(tmp_path, backend_faults=2) as (emulator, session):
        put(emulator, "one", "v1")
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        emulator.backend_faults = 100
        put(emulator, "one", "v2")
        (outcome,) = await session.delete_tags([Tag("v2")])
        assert isinstance(outcome, Failed)
        assert "status=401" in outcome.error


async def test_a_deletion_whose_answer_was_lost_is_done(tmp_path: Path) -> None:
    async with served(tmp_path, Fault("DELETE", "/tags/v1", Drop(after_handling=True))) as (emulator, session):
        put(emulator, "one", "v1")
        assert await session.delete_tags([Tag("v1")]) == [AlreadyGone()]
        assert emulator.storage.repositories[PATH].tags == {}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200, b"{}"), Deleted),
        (Answer(202), Deleted),
        (Answer(204), Deleted),
        (Answer(400, b'{"message":"tag is immutable"}'), Locked),
        (Answer(403, b'{"detail":"immutable tags cannot be deleted"}'), Locked),
        (Answer(400, b'{"message":"validation error"}'), Failed),
        (Answer(403, b"<html>a proxy says no</html>"), Forbidden),
        (Answer(404, b"<html>"), Failed),
        (Answer(404, b'{"message":"object not found"}'), Failed),
        (Answer(405), Failed),
        (Answer(409, b'{"message":"conflict"}'), Failed),
        (Answer(301, headers={"Location": "/elsewhere"}), Failed),
        (Answer(503, b"busy"), Failed),
        (Answer(401, b'{"message":"unauthorized"}'), Forbidden),
    ],
)
async def test_odd_replies_to_a_deletion(tmp_path: Path, answer: Answer, expected: type) -> None:
    async with served(tmp_path, Fault("DELETE", "/tags/v1", answer, times=None)) as (emulator, session):
        put(emulator, "one", "v1")
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, expected)


# Rights


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


# Logging in


async def test_options_win_for_the_hub_api_and_dockers_configuration_for_the_registry(tmp_path: Path) -> None:
    async with DockerHubEmulator() as emulator:
        reader = Account("pat", "ann", "dckr_pat_ann-may-pull", frozenset({"read"}))
        emulator.let_in(*emulator.accounts, reader)
        docker = emulator.docker_login(reader.secret, reader.identifier)
        mine = options("rob", emulator.accounts[0].secret)
        login = Login({**docker.environ, **mine.environ}, docker.docker_config)
        raw = put(emulator, "one", "v1")
        async with opened(emulator, tmp_path, login) as session:
            assert not (await session.probe()).forbidden
            assert await session.resolve(Tag("v1")) == raw.digest
            with pytest.raises(Unauthorized, match="user 'ann'"):
                await session.push_manifest(Tag("v2"), raw)
        async with opened(emulator, tmp_path, mine) as session:
            await session.push_manifest(Tag("v2"), raw)


async def test_fifty_at_once_log_in_once_and_once_more_when_the_token_ends(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        put(emulator, "one", *(f"v{number}" for number in range(50)))

        async def delete(number: int) -> None:
            assert await session.delete_tags([Tag(f"v{number}")]) == [Deleted()]

        async def delete_some(numbers: range) -> None:
            async with anyio.create_task_group() as group:
                for number in numbers:
                    group.start_soon(delete, number)

        await delete_some(range(25))
        assert emulator.logins == 1
        emulator.expire_tokens()
        await delete_some(range(25, 50))
        assert emulator.logins == 2
        assert emulator.storage.repositories[PATH].tags == {}


@asynccontextmanager
async def hub_login(emulator: DockerHubEmulator, secret: str = "", **more: Any) -> AsyncIterator[HubLogin]:
    host = RegistryHost.parse(emulator.host)
    credential = UserPassword("rob", Secret(secret or emulator.accounts[0].secret), "the test")
    async with RegistryHttp(host, Anonymous()) as http:
        yield HubLogin(credential, http, Scheduler(Limits(attempts=2)).lane(host, "rob", "login"), **more)


async def test_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    now = [1000.0]
    async with DockerHubEmulator() as emulator, hub_login(emulator, clock=lambda: now[0]) as login:
        first = await login.token()
        now[0] += 569
        assert await login.token() == first
        now[0] += 2
        second = await login.token()
        assert second != first
        assert await login.token(refused=second) != second
        assert emulator.logins == 3


async def test_a_short_token_is_used_for_three_quarters_of_its_life() -> None:
    now = [1000.0]
    async with DockerHubEmulator(lifetime=8) as emulator, hub_login(emulator, clock=lambda: now[0]) as login:
        first = await login.token()
        assert first.renew_at == pytest.approx(1006)


async def test_a_connection_takes_over_a_newer_token_without_being_refused_first(tmp_path: Path) -> None:
    async with served(tmp_path, lifetime=1e-6) as (emulator, session):
        emulator.clock = lambda: 1000.0  # the server's own: there the tokens stay good
        put(emulator, "one", "v1")
        await session.list_tags()
        await session.list_tags()
        assert emulator.logins == 4
        assert [each.status for each in emulator.requests if each.path.startswith(HUB)] == [200] * 4


@pytest.mark.parametrize(
    "claims",
    [{}, {"exp": 5, "iat": 9}, {"exp": "x", "iat": 1}, {"exp": float("inf"), "iat": 1}, {"exp": 10**400, "iat": 1}],
)
async def test_a_token_that_does_not_say_how_long_lives_ten_minutes(claims: Mapping[str, Any]) -> None:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    body = json.dumps({"access_token": f"e30.{payload}.sig"}).encode()
    async with DockerHubEmulator() as emulator, hub_login(emulator, clock=lambda: 0.0) as login:
        emulator.faults.add(Fault("POST", "/v2/auth/token", Answer(200, body)))
        assert (await login.token()).renew_at == 570


async def test_a_helpers_newer_password_is_tried_once() -> None:
    async with DockerHubEmulator() as emulator:
        newer = UserPassword("rob", Secret(emulator.accounts[0].secret), "the helper")
        asked_for: list[Credential] = []

        async def renew(refused: Credential) -> Credential:
            asked_for.append(refused)
            return newer

        async with hub_login(emulator, "out-of-date", renew=renew) as login:
            assert (await login.token()).origin == "the helper"
        assert len(asked_for) == 1
        emulator.let_in()
        async with hub_login(emulator, "out-of-date", renew=renew) as login:
            for times in (4, 5):  # the second time it has nothing newer
                with pytest.raises(Unauthorized, match=r"\(the helper\)"):
                    await login.token()
                assert emulator.logins == times


@pytest.mark.parametrize("how", ["docker", "options"])
async def test_a_wrong_password_is_named_and_not_shown(tmp_path: Path, how: str) -> None:
    """The emulator repeats it in its answer."""
    async with DockerHubEmulator() as emulator:
        login = emulator.bad_login() if how == "docker" else options("rob", "dckr_pat_wrong")
        put(emulator, "one", "v1")
        async with opened(emulator, tmp_path, login) as session:
            for ask in (session.list_tags, session.probe):
                with pytest.raises(Unauthorized, match="refuses user 'rob'") as raised:
                    await ask()
                assert ("auths in " if how == "docker" else "$WERF_REPO_DOCKER_HUB") in raised.value.message
                assert "***" in raised.value.message
                assert not any(secret in str(raised.value) for secret in login.secrets)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(200, b"<html>"), IncompleteSource),
        (Answer(200, b'{"access_token":""}'), IncompleteSource),
        (Answer(200, b'{"token":"a-secret-of-theirs"}'), IncompleteSource),
        (Answer(200, b'{"access_token":["a-secret-of-theirs"]}'), IncompleteSource),
        (Answer(404, b"404 page not found"), IncompleteSource),
        (Answer(403, b'{"message":"forbidden"}'), Unauthorized),
        (Answer(502), RegistryFailure),
    ],
)
async def test_odd_replies_to_a_login(tmp_path: Path, answer: Answer, error: type[Exception]) -> None:
    async with served(tmp_path, Fault("POST", "/v2/auth/token", answer, times=None)) as (emulator, session):
        put(emulator, "one", "v1")
        with pytest.raises(error, match=r"127\.0\.0\.1") as raised:
            await session.list_tags()
        assert "theirs" not in str(raised.value)
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Failed | Forbidden)


async def test_a_ready_token_is_used_until_it_ends(tmp_path: Path) -> None:
    async with DockerHubEmulator() as emulator:
        put(emulator, "one", "v1", "v2")
        token = emulator.issue(emulator.accounts[0])
        login = Login({"WERF_REPO_DOCKER_HUB_TOKEN": token}, emulator.login().docker_config)
        async with opened(emulator, tmp_path, login) as session:
            assert not (await session.probe()).forbidden
            assert await session.delete_tags([Tag("v1")]) == [Deleted()]
            emulator.expire_tokens()
            with pytest.raises(Unauthorized, match=r"the token \(\$WERF_REPO_DOCKER_HUB_TOKEN\)") as raised:
                await session.list_tags()
            assert "ten minutes" in raised.value.what_to_do
            assert token not in str(raised.value)
            (outcome,) = await session.delete_tags([Tag("v2")])
            assert isinstance(outcome, Forbidden)
        assert emulator.logins == 0


@pytest.mark.parametrize(
    ("host", "api"),
    [
        ("docker.io", "https://hub.docker.com"),
        ("index.docker.io", "https://hub.docker.com"),
        ("registry-1.docker.io", "https://hub.docker.com"),
        ("registry.hub.docker.com", "https://hub.docker.com"),
        ("mirror.example.com", "https://mirror.example.com"),
    ],
)
async def test_where_the_hub_api_is(host: str, api: str) -> None:
    """The credential of a host that is not Docker Hub's stays there."""
    opened: list[str] = []

    def open_http(base: URL | RegistryHost, credential: Credential, **more: Any) -> RegistryHttp:
        at = base if isinstance(base, URL) else None
        name = RegistryHost.parse(base.authority) if isinstance(base, URL) else base
        del more["preemptive"]
        http = RegistryHttp(name, credential, base=at, **more)
        opened.append(repr(http).split()[1])
        return http

    async def same(refused: Credential) -> Credential:
        return refused

    parsed = RegistryHost.parse(host)
    scheduler = Scheduler()
    docker = UserPassword("rob", Secret("secret"), "the test")
    async with AsyncExitStack() as resources:
        endpoint = Endpoint(
            host=parsed,
            path=RepositoryPath(PATH),
            login=None,
            docker=docker,
            refresh_docker=same,
            api_url=None,
            own_api=URL(f"https://{host}"),
            vouched=True,
            environ={},
            lane=lambda kind, quota=None: scheduler.lane(parsed, "rob", kind, quota),
            open_http=open_http,
            resources=resources,
        )
        assert (await connect(endpoint)).host == host
    registry = "https://registry-1.docker.io" if "docker" in host else api
    assert opened == [registry, api, api]


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"])
async def test_every_name_of_docker_hub_has_the_login_that_docker_keeps_for_it(tmp_path: Path, host: str) -> None:
    auth = base64.b64encode(b"rob:secret").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"https://index.docker.io/v1/": {"auth": auth}}}))
    found = await DockerConfig.read(tmp_path).credential(RegistryHost(host), PATH)
    assert isinstance(found, UserPassword)
    assert found.username == "rob"


# Throttling


@pytest.mark.parametrize("what", ["login", "list", "probe", "delete"])
async def test_throttled_requests_are_sent_again(tmp_path: Path, what: str) -> None:
    async with served(tmp_path) as (emulator, session):
        put(emulator, "one", "v1")
        if what != "login":
            await session.list_tags()
        emulator.throttle(1)
        match what:
            case "delete":
                assert await session.delete_tags([Tag("v1")]) == [Deleted()]
            case "probe":
                assert not (await session.probe()).forbidden
            case _:
                assert (await session.list_tags()).tags.keys() == {"v1"}
        assert emulator.throttled == 0


async def test_a_wait_that_is_too_long_is_not_waited_for(tmp_path: Path) -> None:
    async with served(tmp_path, retry_in=7200) as (emulator, session):
        put(emulator, "one", "v1")
        await session.list_tags()
        emulator.throttle(1)
        with pytest.raises(IncompleteSource, match="429 Rate limit exceeded"):
            await session.list_tags()


def reply(status: int, body: bytes = b"", **headers: str) -> Reply:
    at = URL("https://hub.docker.com/v2/x")
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Reply(status, CIMultiDictProxy(named), body, at, at)


def test_how_docker_hub_says_later() -> None:
    abuse = replies.later(reply(429, b"Too Many Requests"))
    assert isinstance(abuse, RateLimited)
    assert abuse.after == replies.ABUSE_WAIT
    assert replies.later(reply(429, b"{}", X_Retry_After="1790000000")) is None
    assert replies.later(reply(200)) is None


@pytest.mark.parametrize("logged_in", [True, False])
async def test_the_protection_against_abuse_is_waited_out(tmp_path: Path, logged_in: bool) -> None:
    async with served(tmp_path, abuse=True) as (emulator, session):
        put(emulator, "one", "v1")
        if logged_in:
            await session.list_tags()
        with mock.patch.object(replies, "ABUSE_WAIT", 0.01):
            emulator.throttle(1)
            assert (await session.list_tags()).tags.keys() == {"v1"}
            if not logged_in:
                emulator.expire_tokens()
        with mock.patch.object(replies, "ABUSE_WAIT", 7200.0):
            emulator.throttle(1)
            with pytest.raises(IncompleteSource, match="429 Too Many Requests"):
                await session.list_tags()


async def test_pulls_that_are_used_up_are_named(tmp_path: Path) -> None:
    async with served(tmp_path, pulls=1) as (emulator, session):
        first, second = put(emulator, "one", "v1"), put(emulator, "two", "v2")
        assert await session.read_manifests([first.digest]) == {first.digest: first}
        with pytest.raises(IncompleteSource, match=r"pulls from Docker Hub are used up, 100 in 21600 s"):
            await session.read_manifests([second.digest])
        assert await session.resolve(Tag("v2")) == second.digest
        config = images.config("two")
        assert await session.read_blob(Digest.of(config)) == config
        assert await session.delete_tags([Tag("v2")]) == [Deleted()]


async def test_nothing_secret_is_in_what_operators_see(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        put(emulator, "one", "v1")
        await session.list_tags()
        shown = f"{session!r} {session.hub!r} {session._deletion!r} {session.hub._login!r}"
        assert "rob" in shown
        tokens = [each.authorization.partition(" ")[2] for each in emulator.requests if each.authorization]
        assert tokens
        assert not any(secret in shown for secret in (*tokens, *emulator.login().secrets))
