"""The Azure adapter against an emulated registry, connected as the program connects it."""

import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import anyio
import pytest
from yarl import URL

from holystone.adapters.registries.acr import entra
from holystone.adapters.registries.acr.lanes import Lanes
from holystone.adapters.registries.acr.profile import PROFILE
from holystone.adapters.registries.acr.registry import AcrSession
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.reach import Access
from holystone.embedded.exchange import Incoming, Reply
from holystone.embedded.faults import Action, Answer, Fault, Truncate
from holystone.engine.errors import IncompleteSource, RegistryFailure, Unauthorized, UsageError
from holystone.engine.model.capabilities import SPARES_ALL, DigestDeletion, Quota, TagDeletion
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.scheduler import Lane, Limits, Scheduler, bucket
from tests.emulators.acr import (
    ALL_ACTIONS,
    EMPTY_GUID,
    PASSWORD,
    READ_ACTIONS,
    REFRESH_LIFE,
    AcrEmulator,
    Attributes,
    Principal,
)
from tests.emulators.vendor import Login
from tests.support import images
from tests.support.command_line import hasty

PATH = "team/app"
ABSENT = Digest("sha256:" + "0" * 64)


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bucket, "_SLOWEST", 1e6)  # requests per second that a lane is left with after a 429
    with hasty():
        yield


class Clock:
    """Unix time of a server; moved by hand."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.25

    def __call__(self) -> float:
        return self.now


@dataclass
class Connected:
    emulator: AcrEmulator
    session: AcrSession
    repository: Repository

    def image(self, text: str, *tags: str, subject: RawManifest | None = None) -> RawManifest:
        return push(self.emulator, text, *tags, subject=subject)

    def asked(self, path: str) -> int:
        return sum(path in each.path for each in self.emulator.requests)


def push(emulator: AcrEmulator, text: str, *tags: str, subject: RawManifest | None = None) -> RawManifest:
    config = images.config(text)
    emulator.storage.put_blob(PATH, config)
    return put(emulator, images.image(config, subject=subject), *tags)


def put(emulator: AcrEmulator, raw: RawManifest, *tags: str) -> RawManifest:
    for tag in tags or (None,):
        emulator.storage.put_manifest(PATH, raw.body, raw.media_type, tag)
    return raw


@asynccontextmanager
async def connected(
    emulator: AcrEmulator, folder: Path, login: Login | None = None, host: str = ""
) -> AsyncIterator[Connected]:
    """To a server that runs already."""
    (folder / "config.json").write_text(json.dumps((login or emulator.login()).docker_config))
    connections = Connections(
        folder,
        access={"images": Access(api_url=URL(emulator.url))},
        environ={},
        limits=Limits(attempts=4, host_patience=0.2),
    )
    repository = Repository(RegistryHost.parse(host or emulator.host), RepositoryPath(PATH))
    async with connections:
        session = await connections.session(repository, "acr")
        assert isinstance(session, AcrSession)
        yield Connected(emulator, session, repository)


@pytest.fixture
async def acr(tmp_path: Path) -> AsyncIterator[Connected]:
    async with AcrEmulator() as emulator, connected(emulator, tmp_path) as made:
        yield made


# Listing


@pytest.mark.parametrize("count", [1, 99, 100, 101, 200, 201])
async def test_listing_is_complete_at_page_boundaries(acr: Connected, count: int) -> None:
    raw = acr.image("one", *(f"v{number}" for number in range(count)))
    listing = await acr.session.list_tags()
    assert listing.tags == {Tag(f"v{number}"): raw.digest for number in range(count)}
    more = count == 100  # a full page, and no link anywhere: is that all?
    assert acr.asked("/_tags") == ceil(count / 100) + more


async def test_what_the_listing_says(tmp_path: Path) -> None:
    clock = Clock()
    async with AcrEmulator(clock=clock) as emulator, connected(emulator, tmp_path) as acr:
        shared = acr.image("shared", "v1")
        clock.now += 100
        put(emulator, shared, "v2")
        child = acr.image("child")
        index = put(emulator, images.index(child), "multi")
        acr.image("nobody's")
        free, frozen = acr.image("free", "free"), acr.image("frozen", "frozen", "guarded")
        emulator.tag_attributes[PATH, "frozen"] = Attributes(write_enabled=False)
        emulator.tag_attributes[PATH, "guarded"] = Attributes(delete_enabled=False, write_enabled=False)
        listing = await acr.session.list_tags()
    assert listing.exists
    assert listing.tags == {
        "v1": shared.digest,
        "v2": shared.digest,
        "multi": index.digest,
        "free": free.digest,
        "frozen": frozen.digest,
        "guarded": frozen.digest,
    }
    assert listing.locked == {
        "frozen": "locked in Azure: writeEnabled is false",
        "guarded": "locked in Azure: deleteEnabled and writeEnabled are false",
    }
    assert (listing.put[Tag("v1")], listing.put[Tag("v2")]) == (1_790_000_000, 1_790_000_100)
    assert listing.pushed == {}
    assert listing.untagged == ()
    assert listing.manifests == {}


async def test_a_tag_that_moves_while_the_list_is_read_is_not_missed(tmp_path: Path) -> None:
    class Moving(AcrEmulator):
        def answer(self, request: Incoming) -> Reply:
            if "last" in request.query and "moved" not in vars(self):
                self.moved = put(self, images.image(images.config("one")), "v0", "v150")
            return super().answer(request)

    async with Moving() as emulator, connected(emulator, tmp_path) as acr:
        other = acr.image("other", *(f"v{number}" for number in range(201)))
        emulator.storage.put_blob(PATH, images.config("one"))
        listing = await acr.session.list_tags()
    assert listing.tags.keys() == {f"v{number}" for number in range(201)}
    assert listing.tags[Tag("v0")] == listing.tags[Tag("v150")] == emulator.moved.digest
    assert listing.tags[Tag("v1")] == other.digest


async def test_a_repository_without_tags_is_there_and_empty(acr: Connected) -> None:
    acr.image("one")
    listing = await acr.session.list_tags()
    assert (listing.exists, listing.tags) == (True, {})


@pytest.mark.parametrize("none", ["", ',"tags":null', ',"tags":[]'])
async def test_every_way_to_say_that_there_are_no_tags(acr: Connected, none: str) -> None:
    """Azure's description requires the list, Azure's own clients reckon without it."""
    acr.image("loose")
    acr.emulator.faults.add(Fault("GET", r"/_tags", Answer(200, f'{{"imageName":"team/app"{none}}}'.encode())))
    listing = await acr.session.list_tags()
    assert (listing.exists, listing.tags) == (True, {})


async def test_a_repository_that_does_not_exist(acr: Connected) -> None:
    listing = await acr.session.list_tags()
    assert (listing.exists, listing.tags) == (False, {})


@pytest.mark.parametrize("says_why", [True, False])
@pytest.mark.parametrize("refuses_excess", [True, False])
async def test_a_forbidden_repository_is_never_an_absent_one(
    tmp_path: Path, says_why: bool, refuses_excess: bool
) -> None:
    async with AcrEmulator(says_why=says_why, refuses_excess=refuses_excess) as emulator:
        emulator.passwords["stranger"] = ("a-password", Principal("stranger", {"other/*": ALL_ACTIONS}))
        login = emulator._docker("stranger", "a-password")
        push(emulator, "one", "v1")
        async with connected(emulator, tmp_path, login) as acr:
            for ask in (acr.session.list_tags, acr.session.probe):
                with pytest.raises(Unauthorized, match=r"'stranger' \(auths in .*config\.json\)") as raised:
                    await ask()
                assert "Container Registry Repository Contributor" in raised.value.what_to_do
                assert "a-password" not in str(raised.value)


ROW = '{"name":"v1","digest":"sha256:' + "a" * 64 + '"}'
BROKEN: dict[str, Action] = {
    "cut short": Answer(200, b'{"registry":"x","imageName":"team/app","tags":[{"name":"v1","dig'),
    "a page of a proxy": Answer(200, b"<html>Welcome</html>"),
    "not UTF-8": Answer(200, b'{"imageName":"\xff"}'),
    "an array": Answer(200, f"[{ROW}]".encode()),
    "an empty object": Answer(200, b"{}"),
    "another repository": Answer(200, f'{{"imageName":"team/other","tags":[{ROW}]}}'.encode()),
    "tags that are names only": Answer(200, b'{"imageName":"team/app","tags":["v1"]}'),
    "a digest that is none": Answer(200, b'{"imageName":"team/app","tags":[{"name":"v1","digest":"sha256:1"}]}'),
    "no digest": Answer(200, b'{"imageName":"team/app","tags":[{"name":"v1"}]}'),
    "a bare 404": Answer(404, b"not found"),
    "another 404": Answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'),
    "a teapot": Answer(418, b"teapot"),
    "cut on the wire": Truncate(keep=30),
    "another host next": Answer(
        200, f'{{"imageName":"team/app","tags":[{ROW}]}}'.encode(), {"Link": '<https://evil.example/x>; rel="next"'}
    ),
    "in circles": Answer(
        200,
        f'{{"imageName":"team/app","tags":[{ROW}]}}'.encode(),
        {"Link": '</acr/v1/team/app/_tags?n=100&orderby=timeasc>; rel="next"'},
    ),
}


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("kind", sorted(BROKEN))
async def test_a_listing_that_is_not_one_is_never_read_as_complete(acr: Connected, kind: str, nth: int) -> None:
    acr.image("one", *(f"v{number}" for number in range(250)))
    await acr.session.resolve(Tag("v1"))  # the challenge
    acr.emulator.faults.add(Fault("GET", r"/_tags", BROKEN[kind], nth=nth, times=None))
    with pytest.raises(IncompleteSource, match=r"127\.0\.0\.1|_tags"):
        await acr.session.list_tags()


async def test_the_firewall_is_named(acr: Connected) -> None:
    acr.image("one", "v1")
    acr.emulator.firewalled = True
    for ask in (acr.session.list_tags, acr.session.probe):
        with pytest.raises(Unauthorized, match="client with IP") as raised:
            await ask()
        assert "firewall" in raised.value.what_to_do
    (outcome,) = await acr.session.delete_manifests([ABSENT])
    assert isinstance(outcome, Forbidden)
    assert "firewall" in outcome.what


# Deleting


async def test_a_tag_goes_alone_and_the_last_one_leaves_its_manifest(acr: Connected) -> None:
    raw = acr.image("one", "v1", "v2")
    tags = [Tag("v1"), Tag("v2"), Tag("v1")]
    assert await acr.session.delete_tags(tags) == [Deleted(), Deleted(), AlreadyGone()]
    assert await acr.session.resolve(raw.digest) == raw.digest
    assert (await acr.session.list_tags()).tags == {}


async def test_referrers_are_asked_for_where_the_listing_does_not_show_all_manifests(acr: Connected) -> None:
    subject = acr.image("subject", "v1")
    acr.image("other", "v2", "v3")
    await acr.session.probe()
    await acr.session.list_tags()
    assert await acr.session.referrers(subject.digest) == ()
    assert acr.asked("/referrers/") == 0, "every manifest has a tag"
    signature = acr.image("signature", subject=subject)
    await acr.session.probe()
    await acr.session.list_tags()
    assert await acr.session.referrers(subject.digest) == [signature.digest]


async def test_referrers_are_asked_for_where_azure_does_not_count(acr: Connected) -> None:
    subject = acr.image("subject", "v1")
    signature = acr.image("signature", subject=subject)
    said = b'{"imageName":"team/app"}'
    acr.emulator.faults.add(Fault("GET", rf"/acr/v1/{PATH}", Answer(200, said)))
    await acr.session.probe()
    await acr.session.list_tags()
    assert await acr.session.referrers(subject.digest) == [signature.digest]


async def test_a_manifest_takes_its_tags_and_referrers_and_no_index_protects_its_children(acr: Connected) -> None:
    child, subject = acr.image("child"), acr.image("subject", "v1", "v2")
    index = put(acr.emulator, images.index(child), "multi")
    signature = acr.image("signature", "signed", subject=subject)
    above = acr.image("above", subject=signature)
    assert await acr.session.referrers(subject.digest) == [signature.digest]
    digests = [child.digest, subject.digest, signature.digest, above.digest, ABSENT]
    assert await acr.session.delete_manifests(digests) == [
        Deleted(),
        Deleted(),
        AlreadyGone(),
        AlreadyGone(),
        AlreadyGone(),
    ]
    assert (await acr.session.list_tags()).tags == {"multi": index.digest}


async def test_what_azure_locked_stays(acr: Connected) -> None:
    manifest, tagged = acr.image("manifest", "v1"), acr.image("tagged", "v2", "v3")
    acr.emulator.lock_manifest(PATH, manifest.digest)
    acr.emulator.lock(PATH, "v2")
    (by_name,) = await acr.session.delete_tags([Tag("v2")])
    (by_digest,) = await acr.session.delete_manifests([manifest.digest])
    assert isinstance(by_name, Locked)
    assert isinstance(by_digest, Locked)
    assert tagged.digest in acr.emulator.storage.repositories[PATH].manifests


async def test_a_manifest_with_a_tag_that_the_last_listing_saw_locked_is_not_even_asked_for(acr: Connected) -> None:
    raw, free = acr.image("locked", "v1", "v2"), acr.image("free", "v3")
    await acr.session.list_tags()
    acr.emulator.lock(PATH, "v1")
    await acr.session.list_tags()
    outcomes = await acr.session.delete_manifests([raw.digest, free.digest])
    assert outcomes == [Locked("its tag v1 is locked in Azure: deleteEnabled is false"), Deleted()]
    assert acr.asked(raw.digest) == 0
    acr.emulator.tag_attributes.clear()
    await acr.session.list_tags()
    assert await acr.session.delete_manifests([raw.digest]) == [Deleted()]


async def test_a_hidden_tag_is_listed_all_the_same_and_saves_its_manifest(acr: Connected) -> None:
    raw, free = acr.image("hidden", "v1", "prod"), acr.image("free", "v2")
    acr.emulator.hide(PATH, "prod")
    listing = await acr.session.list_tags()
    assert listing.tags == {"v1": raw.digest, "prod": raw.digest, "v2": free.digest}
    assert listing.locked == {"prod": "hidden in Azure: listEnabled is false"}
    outcomes = await acr.session.delete_manifests([raw.digest, free.digest])
    assert outcomes == [Locked("its tag prod is hidden in Azure: listEnabled is false"), Deleted()]
    assert (await acr.session.probe()).digests


async def test_where_azure_counts_tags_that_it_never_names_no_manifest_goes_by_digest(tmp_path: Path) -> None:
    async with AcrEmulator(names_hidden_tags=False) as emulator, connected(emulator, tmp_path) as acr:
        acr.image("hidden", "v1", "prod")
        emulator.hide(PATH, "prod")
        assert (await acr.session.list_tags()).tags.keys() == {"v1"}
        can = await acr.session.probe()
        assert (can.tags, can.digests) == (TagDeletion(SPARES_ALL), None)


@pytest.mark.parametrize("doubtful", ["shows_locks", "names_hidden_tags"])
async def test_who_carries_out_another_process_plan_is_told_the_same_as_that_one(tmp_path: Path, doubtful: str) -> None:
    """Else the plan is one of another registry, each time: `apply` refuses it, and `resume` ends the run."""
    quirk = {doubtful: False}
    async with AcrEmulator(**quirk) as emulator:  # type: ignore[arg-type]
        async with connected(emulator, tmp_path) as acr:
            acr.image("hidden", "v1", "prod")
            emulator.hide(PATH, "prod")
            await acr.session.list_tags()
            planned = await acr.session.probe()
        assert planned != PROFILE.can
        async with connected(emulator, tmp_path) as again:
            assert (await again.session.probe()).manners == planned.manners


async def test_a_tag_that_was_hidden_after_the_plan_saves_its_manifest(acr: Connected) -> None:
    raw, free = acr.image("hidden", "v1", "prod"), acr.image("free", "v2")
    more = {**acr.emulator.storage.repositories[PATH].tags}
    await acr.session.list_tags()
    acr.emulator.faults.add(
        Fault("GET", rf"/{PATH}/_manifests\?", Answer(200, b'{"imageName":"team/app"}'), times=None)
    )
    acr.emulator.hide(PATH, "prod")
    await acr.session.list_tags()
    outcomes = await acr.session.delete_manifests([raw.digest, free.digest])
    assert isinstance(outcomes[0], Locked)
    assert outcomes[1] == Deleted()
    assert acr.emulator.storage.repositories[PATH].tags == {tag: at for tag, at in more.items() if tag != "v2"}


async def test_whether_undo_may_push_is_known_beforehand(tmp_path: Path) -> None:
    deleter = Principal("deleter", {"*": READ_ACTIONS | {"delete"}})
    async with AcrEmulator() as emulator, connected(emulator, tmp_path, emulator.az_login(principal=deleter)) as acr:
        acr.image("one", "v1")
        can = await acr.session.probe()
        assert not can.forbidden
        assert not can.undo.possible
        assert "AcrPush" in can.undo.lacks
    async with AcrEmulator() as emulator, connected(emulator, tmp_path) as acr:
        acr.image("one", "v1")
        can = await acr.session.probe()
        assert can.undo.possible
        assert "soft delete" in can.undo.doubt


async def test_locks_that_are_not_told_are_unknown_and_azure_is_asked_to_untag_first(tmp_path: Path) -> None:
    async with AcrEmulator(shows_locks=False) as emulator, connected(emulator, tmp_path) as acr:
        acr.image("one", "v1")
        await acr.session.list_tags()
        assert (await acr.session.probe()).digests == DigestDeletion(tags_first=True)
    async with AcrEmulator() as emulator, connected(emulator, tmp_path) as acr:
        acr.image("one", "v1")
        await acr.session.list_tags()
        assert await acr.session.probe() == PROFILE.can


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200), Deleted),
        (Answer(202), Deleted),
        (Answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'), AlreadyGone),
        (Answer(404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}'), AlreadyGone),
        (Answer(404, b'{"errors":[{"code":"TAG_UNKNOWN"}]}'), AlreadyGone),
        (Answer(404, b"<html>"), Failed),
        (Answer(405, b'{"errors":[{"code":"REGISTRY_DISALLOWED_OPERATION"}]}'), Locked),
        (Answer(405, b'{"errors":[{"code":"UNSUPPORTED"}]}'), Failed),
        (Answer(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}'), Forbidden),
        (Answer(403, b'{"errors":[{"code":"DENIED"}]}'), Forbidden),
        (Answer(409, b'{"errors":[{"code":"CONFLICT"}]}'), Failed),
        (Answer(429, b"slow down"), Failed),
        (Answer(500, b""), Failed),
        (Answer(503, b"busy"), Failed),
    ],
)
async def test_replies_to_a_deletion(acr: Connected, answer: Answer, expected: type) -> None:
    raw = acr.image("one", "v1")
    await acr.session.list_tags()
    acr.emulator.faults.add(Fault("DELETE", r"/_tags/|/manifests/", answer, times=None))
    (by_name,) = await acr.session.delete_tags([Tag("v1")])
    (by_digest,) = await acr.session.delete_manifests([raw.digest])
    assert isinstance(by_name, expected)
    assert isinstance(by_digest, expected)


async def test_requests_stay_within_what_the_job_needs(acr: Connected) -> None:
    """One probe, a count and a page for every hundred tags, one deletion each, and the log-in: a challenge, a
    token, and another that tells whether a push is allowed."""
    raws = [acr.image(f"{number}", f"v{number}") for number in range(250)]
    listing = await acr.session.list_tags()
    await acr.session.probe()
    assert len(listing.tags) == 250
    for raw in raws[:200]:
        assert await acr.session.delete_manifests([raw.digest]) == [Deleted()]
    assert len(acr.emulator.requests) == 1 + 1 + 3 + 200 + 3


# Rights


async def test_the_probe_asks_once_and_finds_nothing_wrong(acr: Connected) -> None:
    raw = acr.image("one", "v1")
    acr.emulator.repository_attributes[PATH] = Attributes(delete_enabled=False)  # guards the repository, no image
    await acr.session.list_tags()
    acr.emulator.requests.clear()
    assert await acr.session.probe() == PROFILE.can
    assert acr.asked("/acr/v1/team/app") == 1
    assert acr.emulator.counts["DELETE manifest"] == 0
    assert raw.digest in acr.emulator.storage.repositories[PATH].manifests


@pytest.mark.parametrize("opaque_tokens", [True, False])
@pytest.mark.parametrize("says_why", [True, False])
async def test_a_credential_that_may_not_delete(tmp_path: Path, opaque_tokens: bool, says_why: bool) -> None:
    async with AcrEmulator(opaque_tokens=opaque_tokens, says_why=says_why) as emulator:
        raw = push(emulator, "one", "v1")
        async with connected(emulator, tmp_path, emulator.weak_login()) as acr:
            can = await acr.session.probe()
            assert can.forbidden
            for part in ("'lookout'", "config.json", "repository:team/app:pull,delete,metadata_read", "AcrDelete"):
                assert part in can.forbidden
            assert (await acr.session.list_tags()).tags == {"v1": raw.digest}
            for outcome in (
                *await acr.session.delete_tags([Tag("v1")]),
                *await acr.session.delete_manifests([raw.digest]),
            ):
                assert isinstance(outcome, Forbidden)
                assert "delete" in outcome.what
            assert acr.emulator.storage.repositories[PATH].tags == {"v1": raw.digest}


async def test_the_probe_where_tokens_tell_nothing(tmp_path: Path) -> None:
    async with AcrEmulator(opaque_tokens=True) as emulator, connected(emulator, tmp_path) as acr:
        raw = acr.image("one", "v1")
        assert not (await acr.session.probe()).forbidden
        assert emulator.storage.repositories[PATH].tags == {"v1": raw.digest}


async def test_the_probe_of_a_locked_repository(acr: Connected) -> None:
    acr.image("one", "v1")
    acr.emulator.repository_attributes[PATH] = Attributes(write_enabled=False)
    can = await acr.session.probe()
    assert can.forbidden
    assert "az acr repository update" in can.forbidden
    (outcome,) = await acr.session.delete_tags([Tag("v1")])
    assert isinstance(outcome, Locked)


@pytest.mark.parametrize("answer", [Answer(200, b"<html>"), Answer(200, b"[]"), Answer(418), Answer(404, b"gone")])
async def test_the_probe_of_something_else(acr: Connected, answer: Answer) -> None:
    acr.emulator.faults.add(Fault("GET", r"/acr/v1/team/app$", answer, times=None))
    with pytest.raises(IncompleteSource, match="team/app"):
        await acr.session.probe()


async def test_the_probe_of_a_repository_that_does_not_exist(acr: Connected) -> None:
    assert not (await acr.session.probe()).forbidden


async def test_the_api_may_be_told_to_be_elsewhere(tmp_path: Path) -> None:
    async with AcrEmulator() as emulator:
        raw = push(emulator, "one", "v1")
        entry = emulator.login().docker_config["auths"][emulator.host]  # type: ignore[index]
        login = Login(docker_config={"auths": {"acme.azurecr.io": entry}})
        async with connected(emulator, tmp_path, login, host="acme.azurecr.io") as acr:
            assert (await acr.session.list_tags()).tags == {"v1": raw.digest}
            assert await acr.session.resolve(Tag("v1")) == raw.digest


# Throttling


@pytest.mark.parametrize("retry_after", [None, 0])
async def test_throttling_is_waited_out_wherever_it_comes(tmp_path: Path, retry_after: int | None) -> None:
    async with AcrEmulator(retry_after=retry_after) as emulator, connected(emulator, tmp_path) as acr:
        raw = acr.image("one", "v1")
        emulator.throttle(2)  # the first request and the token
        assert (await acr.session.list_tags()).tags.keys() == {"v1"}
        emulator.throttle(3)
        assert await acr.session.delete_manifests([raw.digest]) == [Deleted()]
        assert emulator.throttled == 0
        assert acr.session.writes.counts().throttled == 3


async def test_what_is_throttled_for_ever_fails_alone(acr: Connected) -> None:
    acr.image("one", "v1")
    acr.emulator.throttle(100)
    (outcome,) = await acr.session.delete_manifests([ABSENT])
    assert isinstance(outcome, Failed)
    assert "429" in outcome.error


# Credentials of Docker's configuration


async def test_a_wrong_password(tmp_path: Path) -> None:
    async with AcrEmulator() as emulator, connected(emulator, tmp_path, emulator.bad_login()) as acr:
        acr.image("one", "v1")
        with pytest.raises(Unauthorized, match=r"user 'acme' \(auths in .*config\.json\)") as raised:
            await acr.session.list_tags()
        assert "not-the-password" not in str(raised.value)


async def test_one_token_serves_listing_reading_and_deleting(acr: Connected) -> None:
    raw = acr.image("one", "v1")
    await acr.session.probe()
    await acr.session.list_tags()
    await acr.session.read_manifests([raw.digest])
    await acr.session.read_blob(Digest.of(images.config("one")))
    await acr.session.delete_manifests([raw.digest])
    assert acr.emulator.tokens_fetched == 2, "the other tells whether a push is allowed, as undo needs it"
    assert PASSWORD not in str([each.authorization for each in acr.emulator.requests])


@pytest.mark.parametrize("identity_token", [True, False])
async def test_what_az_acr_login_leaves_is_shown_to_the_token_server_only(tmp_path: Path, identity_token: bool) -> None:
    async with AcrEmulator(abac=True) as emulator:
        login = emulator.az_login(identity_token=identity_token)
        async with connected(emulator, tmp_path, login) as acr:
            raw = acr.image("one", "v1")
            assert (await acr.session.list_tags()).tags == {"v1": raw.digest}
            assert not (await acr.session.probe()).forbidden
            assert emulator.counts["POST token"] + emulator.counts["POST other"] == 2
            assert not any(each.authorization.startswith("Basic") for each in emulator.requests)
            assert EMPTY_GUID not in repr(acr.session)


async def test_the_end_of_what_az_acr_login_left_is_told_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entra, "azure_credential", no_azure_identity)
    clock = Clock()
    clock.now -= REFRESH_LIFE + 365 * 86400  # ended long before this test runs
    async with AcrEmulator(clock=clock) as emulator:
        login = emulator.az_login()
        push(emulator, "one", "v1")
        clock.now += REFRESH_LIFE
        async with connected(emulator, tmp_path, login) as acr:
            with pytest.raises(Unauthorized, match=r"'az acr login' left .* ended at 2025-") as raised:
                await acr.session.list_tags()
        assert "three hours" in raised.value.what_to_do
        assert "azure-identity" in raised.value.message
        assert not [secret for secret in login.secrets if secret in str(raised.value)]


@pytest.mark.parametrize("in_the_middle", [True, False])
async def test_whoever_is_logged_in_to_azure_goes_on_where_az_acr_login_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_the_middle: bool
) -> None:
    clock = Clock()
    clock.now -= 365 * 86400
    async with AcrEmulator(clock=clock) as emulator:
        login = emulator.az_login()
        as_azure(monkeypatch, emulator.entra_token)
        raws = [push(emulator, f"{number}", f"v{number}") for number in range(20)]
        if not in_the_middle:
            clock.now += REFRESH_LIFE
        async with connected(emulator, tmp_path, login) as acr:
            if in_the_middle:
                await acr.session.list_tags()
                assert emulator.exchanges == 0
                clock.now += REFRESH_LIFE
            outcomes: list[object] = []

            async def delete(raw: RawManifest) -> None:
                outcomes.extend(await acr.session.delete_manifests([raw.digest]))

            async with anyio.create_task_group() as tasks:
                for raw in raws:
                    tasks.start_soon(delete, raw)
            assert outcomes == [Deleted()] * 20
            assert emulator.exchanges == 1


async def test_access_tokens_end_by_the_clock_of_the_server(tmp_path: Path) -> None:
    clock = Clock()
    async with AcrEmulator(clock=clock) as emulator, connected(emulator, tmp_path) as acr:
        raw = acr.image("one", "v1", "v2")
        for _ in range(3):
            assert await acr.session.resolve(Tag("v1")) == raw.digest
            clock.now += 76 * 60
        assert await acr.session.delete_tags([Tag("v1")]) == [Deleted()]
        assert emulator.tokens_fetched == 4


@pytest.mark.parametrize("spelt", ["type name actions", "Type Name Actions"])
async def test_what_a_token_grants_is_read_in_both_spellings(tmp_path: Path, spelt: str) -> None:
    """Capitals in tokens of version 1.0, small letters in those of 2.0 (recordings of Microsoft's SDKs)."""
    async with AcrEmulator(spelling=spelt) as emulator, connected(emulator, tmp_path, emulator.weak_login()) as acr:
        acr.image("one", "v1")
        await acr.session.list_tags()
        emulator.requests.clear()
        assert (await acr.session.probe()).forbidden
        assert not [each for each in emulator.requests if each.method == "DELETE"], "the token says it"


# Limits


def test_four_kinds_of_requests_have_azures_published_pace() -> None:
    """A minute for one identity: 5,000 reads, 1,000 writes, 500 deletions, 250 questions for referrers."""
    quotas: dict[str, Quota | None] = {}
    made = Scheduler()

    def lane(api: str, quota: Quota | None = None) -> Lane:
        quotas[api] = quota
        return made.lane(RegistryHost.parse("shop.azurecr.io"), "nobody", api, quota)

    lanes = Lanes.of(lane, published=True)
    assert len({id(each) for each in (lanes.reads, lanes.pushes, lanes.deletions, lanes.referrers)}) == 4
    assert [quota and quota.rate for quota in quotas.values()] == [80, 16, 8, 4]
    Lanes.of(lane, published=False)
    assert set(quotas.values()) == {None}


@pytest.mark.parametrize(("said", "rate"), [("33.000000", 33.0), ("3.000000", 8.0), ("much", 8.0), ("", 8.0)])
async def test_what_a_reply_says_is_left_raises_the_pace_of_its_kind_alone(
    tmp_path: Path, said: str, rate: float
) -> None:
    async with AcrEmulator() as emulator, connected(emulator, tmp_path) as acr:
        await acr.session.list_tags()
        lanes = acr.session.writes, acr.session.reads
        for each in lanes:
            each.declare(Quota(8, 8))
        answer = Answer(202, b"", {"X-Ms-Ratelimit-Remaining-Calls-Per-Second": said})
        emulator.faults.add(Fault("DELETE", "/manifests/", answer))
        assert await acr.session.delete_manifests([ABSENT]) == [Deleted()]
        assert [each.declared for each in lanes] == [Quota(rate, rate), Quota(8, 8)]


async def test_what_goes_and_what_refers_do_not_wait_for_each_other(tmp_path: Path) -> None:
    async with AcrEmulator() as emulator, connected(emulator, tmp_path) as acr:
        raw = acr.image("one", "v1")
        acr.image("what has no tag, and may refer to it")
        await acr.session.list_tags()
        await acr.session.referrers(raw.digest)
        await acr.session.delete_manifests([ABSENT])
        lanes = (acr.session.reads, acr.session.writes, acr.session.pushes, acr.session.referring)
        assert [each.key.api for each in lanes] == ["read", "delete", "write", "referrers"]
        assert [each.key.api for each in lanes if each.counts().requests] == ["read", "delete", "referrers"]


# Credentials of Azure


def no_azure_identity() -> entra.TokenCredential:
    raise UsageError("Azure's own credentials need the package azure-identity.")


async def test_the_exchange_names_the_registry_as_its_challenge_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a regional endpoint, NAME.registryION.geo.azurecr.io, the service is NAME.azurecr.io."""
    async with AcrEmulator(service="shop.azurecr.io") as emulator:
        as_azure(monkeypatch, emulator.entra_token)
        async with connected(emulator, tmp_path, Login()) as acr:
            raw = acr.image("one", "v1")
            assert (await acr.session.list_tags()).tags == {"v1": raw.digest}
            assert await acr.session.delete_manifests([raw.digest]) == [Deleted()]


async def test_each_credential_that_azure_tried_is_told_with_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made by azure-identity itself of what its credentials raise."""
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import CredentialUnavailableError
    from azure.identity.aio import ChainedTokenCredential

    class EnvironmentCredential(FakeCredential):
        async def get_token(self, *scopes: str, **kwargs: object) -> FakeToken:
            raise CredentialUnavailableError("EnvironmentCredential authentication unavailable. " + "x" * 500)

    class AzureCliCredential(FakeCredential):
        async def get_token(self, *scopes: str, **kwargs: object) -> FakeToken:
            raise ClientAuthenticationError("ERROR: AADSTS70043: The refresh token has expired.\r\nTrace ID: 1")

    chain = ChainedTokenCredential(EnvironmentCredential(str), AzureCliCredential(str))  # type: ignore[arg-type]
    monkeypatch.setattr(entra, "azure_credential", lambda: chain)
    async with AcrEmulator() as emulator:
        with pytest.raises(Unauthorized) as raised:
            async with connected(emulator, tmp_path, Login()):
                pass
    first, *tried = raised.value.message.splitlines()
    assert "Azure's own chain found none:" in first
    assert [line.split(":")[0].strip() for line in tried] == ["EnvironmentCredential", "AzureCliCredential"]
    assert "AADSTS70043: The refresh token has expired. Trace ID: 1" in tried[1]


@dataclass
class FakeToken:
    token: str


class FakeCredential:
    """Stands in for azure-identity, which would ask Entra ID."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token
        self.asked: list[tuple[str, ...]] = []
        self.closed = False

    async def get_token(self, *scopes: str) -> FakeToken:
        self.asked.append(scopes)
        return FakeToken(self._token())

    async def close(self) -> None:
        self.closed = True


def as_azure(monkeypatch: pytest.MonkeyPatch, token: Callable[[], str]) -> FakeCredential:
    credential = FakeCredential(token)
    monkeypatch.setattr(entra, "azure_credential", lambda: credential)
    return credential


async def test_azure_is_asked_if_docker_knows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AcrEmulator(abac=True) as emulator:
        credential = as_azure(monkeypatch, emulator.entra_token)
        async with connected(emulator, tmp_path, Login()) as acr:
            raw = acr.image("one", "v1")
            assert not (await acr.session.probe()).forbidden
            assert (await acr.session.list_tags()).tags == {"v1": raw.digest}
            assert await acr.session.delete_manifests([raw.digest]) == [Deleted()]
            assert emulator.exchanges == 1
            assert not credential.closed
        assert credential.asked == [("https://containerregistry.azure.net/.default",)]
        assert credential.closed


async def test_docker_comes_before_azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AcrEmulator() as emulator:
        credential = as_azure(monkeypatch, emulator.entra_token)
        async with connected(emulator, tmp_path) as acr:
            await acr.session.list_tags()
        assert credential.asked == []


async def test_a_refresh_token_that_ends_in_the_middle_is_exchanged_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    async with AcrEmulator(clock=clock) as emulator:
        as_azure(monkeypatch, emulator.entra_token)
        async with connected(emulator, tmp_path, Login()) as acr:
            raws = [acr.image(f"{number}", f"v{number}") for number in range(2)]
            await acr.session.list_tags()
            clock.now += REFRESH_LIFE + 1
            assert await acr.session.delete_manifests([raws[0].digest]) == [Deleted()]
            assert await acr.session.delete_manifests([raws[1].digest]) == [Deleted()]
            assert emulator.exchanges == 2


async def test_lacking_rights_do_not_lead_to_an_exchange_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AcrEmulator(refuses_excess=True) as emulator:
        reader = Principal("reader@example.com", {"*": READ_ACTIONS})
        as_azure(monkeypatch, lambda: emulator.entra_token(reader))
        async with connected(emulator, tmp_path, Login()) as acr:
            acr.image("one", "v1")
            for _ in range(5):
                (outcome,) = await acr.session.delete_manifests([ABSENT])
                assert isinstance(outcome, Forbidden)
                assert "azure-identity" in outcome.what
            assert emulator.exchanges == 2


async def test_the_exchange_is_throttled_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AcrEmulator() as emulator:
        as_azure(monkeypatch, emulator.entra_token)
        emulator.throttle(2)
        async with connected(emulator, tmp_path, Login()) as acr:
            assert not (await acr.session.list_tags()).exists


async def test_whom_the_registry_does_not_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AcrEmulator() as emulator:
        as_azure(monkeypatch, lambda: "a.strangers.token")
        with pytest.raises(Unauthorized, match="does not accept who Azure says we are") as raised:
            async with connected(emulator, tmp_path, Login()):
                pass
        assert "AcrDelete" in raised.value.what_to_do


async def test_the_firewall_is_named_when_azure_signs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AcrEmulator() as emulator:
        as_azure(monkeypatch, emulator.entra_token)
        emulator.firewalled = True
        with pytest.raises(Unauthorized, match="client with IP") as raised:
            async with connected(emulator, tmp_path, Login()):
                pass
        assert "firewall" in raised.value.what_to_do


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b'{"refresh_token":""}'),
        Answer(200, b'{"access_token":"the-token-of-entra"}'),
        Answer(200, b"the-token-of-entra"),
        Answer(404, b"no such page, the-token-of-entra"),
        Answer(400, b'{"errors":[{"code":"BAD","message":"the-token-of-entra is odd"}]}'),
    ],
)
async def test_an_exchange_that_goes_wrong_shows_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    async with AcrEmulator() as emulator:
        emulator.faults.add(Fault("POST", "/oauth2/exchange", answer, times=None))
        as_azure(monkeypatch, lambda: "the-token-of-entra")
        with pytest.raises(IncompleteSource, match=r"127\.0\.0\.1") as raised:
            async with connected(emulator, tmp_path, Login()):
                pass
        assert "the-token-of-entra" not in f"{raised.value} {raised.value.__context__}"


async def test_no_credential_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real chain, narrowed to the variables, which are not there: it asks nobody."""
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_USERNAME", "AZURE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    async with AcrEmulator() as emulator:
        with pytest.raises(Unauthorized, match="none in Docker's configuration, and Azure's own chain") as raised:
            async with connected(emulator, tmp_path, Login()):
                pass
    assert "az acr login" in raised.value.what_to_do


async def test_a_chain_that_is_set_up_wrongly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "no-such-credential")
    async with AcrEmulator() as emulator:
        with pytest.raises(UsageError, match="no-such-credential"):
            async with connected(emulator, tmp_path, Login()):
                pass


async def test_the_package_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "holystone.adapters.registries.acr.azure_chain", raising=False)
    monkeypatch.setitem(sys.modules, "azure.identity.aio", None)
    async with AcrEmulator() as emulator:
        with pytest.raises(UsageError, match="azure-identity") as raised:
            async with connected(emulator, tmp_path, Login()):
                pass
        assert "holystone[acr]" in raised.value.what_to_do
        async with connected(emulator, tmp_path) as acr:
            assert not (await acr.session.list_tags()).exists


# Bringing back


async def test_what_was_soft_deleted_comes_back_with_its_tags(tmp_path: Path) -> None:
    async with AcrEmulator(soft_delete=True) as emulator, connected(emulator, tmp_path) as acr:
        raw, plain = acr.image("one", "v1", "v2"), acr.image("plain")
        digests = [raw.digest, plain.digest]
        await acr.session.delete_manifests(digests)
        with pytest.raises(RegistryFailure, match="soft deleted"):
            await acr.session.push_manifest(Tag("v1"), raw)
        assert await acr.session.restore(raw.digest, [Tag("v1"), Tag("v2")])
        assert await acr.session.restore(plain.digest, ())
        assert emulator.storage.repositories[PATH].tags == {"v1": raw.digest, "v2": raw.digest}
        assert await acr.session.resolve(plain.digest) == plain.digest
        assert not await acr.session.restore(raw.digest, [Tag("never-was")])
        assert not await acr.session.restore(ABSENT, ())


async def test_without_the_policy_a_push_brings_it_back(acr: Connected) -> None:
    raw = acr.image("one", "v1")
    await acr.session.delete_manifests([raw.digest])
    assert not await acr.session.restore(raw.digest, [Tag("v1")])
    await acr.session.push_manifest(Tag("v1"), raw)
    assert await acr.session.resolve(Tag("v1")) == raw.digest


@pytest.mark.parametrize("says_why", [True, False])
async def test_without_the_right_to_restore_a_push_is_tried(tmp_path: Path, says_why: bool) -> None:
    async with AcrEmulator(says_why=says_why) as emulator:
        rights = {"*": frozenset({"pull", "push", "delete", "metadata_read"})}
        emulator.passwords["pusher"] = ("a-password", Principal("pusher", rights))
        async with connected(emulator, tmp_path, emulator._docker("pusher", "a-password")) as acr:
            raw = acr.image("one", "v1")
            await acr.session.delete_manifests([raw.digest])
            assert not await acr.session.restore(raw.digest, ())
            await acr.session.push_manifest(raw.digest, raw)
            assert await acr.session.resolve(raw.digest) == raw.digest
