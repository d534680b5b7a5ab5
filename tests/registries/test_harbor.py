"""The Harbor adapter against its emulator, and against replies that no Harbor should give."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.harbor.profile import PROFILE
from holystone.adapters.registries.harbor.registry import HarborSession
from holystone.embedded.faults import Answer, Fault, Truncate
from holystone.embedded.storage import Storage
from holystone.engine.errors import HolystoneError, IncompleteSource, Unauthorized, Unreachable, UsageError
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked, Referenced
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.scheduler import Limits, bucket
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.harbor import GUEST, GUEST_PASSWORD, MAINTAINER, PASSWORD, Account, HarborEmulator
from tests.emulators.vendor import Login
from tests.support import images
from tests.support.command_line import hasty

ABSENT = Digest("sha256:" + "0" * 64)
PATH = HarborEmulator.path
LIST = r"/artifacts\?"
HTML = b"<html><head><title>Welcome to nginx</title></head></html>"
CLI_SECRET = "cli-secret-of-an-oidc-user"


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    with hasty(), mock.patch.object(bucket, "_FIRST_CUT", 1000.0):
        yield


@asynccontextmanager
async def connected(
    harbor: HarborEmulator, folder: Path, login: Login | None = None, *, path: str = PATH, api_url: bool = True
) -> AsyncIterator[HarborSession]:
    """`api_url`: the API's address is given, rather than found by the registry's host."""
    login = login or harbor.login()
    (folder / "docker").mkdir(exist_ok=True)
    (folder / "docker" / "config.json").write_text(json.dumps(login.docker_config))
    environ = {**(harbor.environ if api_url else {}), **login.environ}
    host = RegistryHost.parse(harbor.host)
    repository = Repository(host, RepositoryPath(path))
    async with Connections(
        folder / "docker",
        access=resolve_access(Given({}, environ)),
        environ=environ,
        limits=Limits(attempts=4, host_patience=0.2),
    ) as connections:
        session = await connections.session(repository, "harbor")
        assert isinstance(session, HarborSession)
        yield session


@asynccontextmanager
async def served(
    folder: Path, harbor: HarborEmulator | None = None
) -> AsyncIterator[tuple[HarborEmulator, HarborSession]]:
    async with harbor or HarborEmulator() as running, connected(running, folder) as session:
        yield running, session


def put(
    harbor: HarborEmulator, text: str, *tags: str, subject: RawManifest | None = None, path: str = PATH
) -> RawManifest:
    config = images.config(text)
    harbor.storage.put_blob(path, config)
    return put_raw(harbor, images.image(config, subject=subject), *tags, path=path)


def sign(harbor: HarborEmulator, image: RawManifest) -> RawManifest:
    config = images.config(f"signature of {image.digest}")
    harbor.storage.put_blob(PATH, config)
    return put_raw(harbor, images.signature(config), f"sha256-{image.digest.hex}.sig")


def put_raw(harbor: HarborEmulator, raw: RawManifest, *tags: str, path: str = PATH) -> RawManifest:
    for tag in tags or (None,):
        harbor.storage.put_manifest(path, raw.body, raw.media_type, tag)
    return raw


def robot(*rights: str) -> Account:
    return Account("Robot-Secret-9", frozenset(rights))


def there(harbor: HarborEmulator, path: str = PATH) -> dict[str, str]:
    return {tag: str(digest) for tag, digest in harbor.storage.repositories[path].tags.items()}


def asked(harbor: HarborEmulator, method: str, part: str) -> int:
    return sum(each.method == method and part in each.path for each in harbor.requests)


# Listing


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 301])
async def test_a_listing_is_complete_at_page_boundaries(tmp_path: Path, count: int) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "loose")
        expected = {Tag(f"v{number}"): put(harbor, f"{number}", f"v{number}").digest for number in range(1, count)}
        listing = await session.list_tags()
        assert listing.tags == expected
        assert listing.exists
        pages = max(1, -(-max(count, 1) // 100))
        assert asked(harbor, "GET", "/artifacts?") == pages


async def test_a_listing_says_what_policies_and_locks_need(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        shared = put(harbor, "one", "v1", "latest")
        child = put(harbor, "child")
        index = put_raw(harbor, images.index(child), "multi")
        put(harbor, "loose")
        harbor.lock(PATH, "v1")
        state = harbor.storage.repositories[PATH]
        state.tagged |= {"v1": 1_700_000_100.0, "latest": 1_700_000_200.0, "multi": 1_700_000_300.0}
        state.pushed |= {shared.digest: 1_700_000_000.0, index.digest: 1_700_000_300.0}
        listing = await session.list_tags()
        assert listing.tags == {Tag("v1"): shared.digest, Tag("latest"): shared.digest, Tag("multi"): index.digest}
        assert listing.locked == {Tag("v1"): "an immutability rule of the project shop"}
        assert listing.put == {"v1": 1_700_000_100, "latest": 1_700_000_200, "multi": 1_700_000_300}
        assert (listing.pushed[shared.digest], listing.pushed[index.digest]) == (1_700_000_000, 1_700_000_300)
        assert listing.untagged == ()
        assert harbor.pulled == {}, "a listing counts no pull"


async def test_tags_of_signatures_and_other_referrers_are_listed_though_harbor_hides_them(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        signature = sign(harbor, image)
        sbom = put(harbor, "sbom", "sbom-of-it", subject=image)
        attestation = put(harbor, "attestation", subject=image)
        listing = await session.list_tags()
        names = {Tag("v1"): image.digest, Tag(f"sha256-{image.digest.hex}.sig"): None, Tag("sbom-of-it"): None}
        assert listing.tags == names
        assert listing.untagged == (), "they go by their subject"
        assert await session.resolve(Tag("sbom-of-it")) == sbom.digest
        assert set(await session.referrers(image.digest)) == {
            signature.digest,
            sbom.digest,
            attestation.digest,
        }


async def test_before_2_8_the_listing_tells_the_referrers(tmp_path: Path) -> None:
    async with served(tmp_path, HarborEmulator(referrers_api=False)) as (harbor, session):
        image = put(harbor, "one", "v1")
        attestation = put(harbor, "attestation", subject=image)
        await session.list_tags()
        assert await session.referrers(image.digest) == (attestation.digest,)


async def test_nested_names_are_encoded_twice(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        await session.list_tags()
        paths = [each.path for each in harbor.requests if "/api/" in each.path]
        assert paths
        assert paths.pop(0) == "/api/v2.0/projects/shop"
        assert all(path.startswith("/api/v2.0/projects/shop/repositories/team%252Fapp") for path in paths)


def shift(harbor: HarborEmulator, times: int, change: Callable[[int], object]) -> None:
    """Somebody does something before page 2 is made, so often."""
    done: list[int] = []

    def meanwhile(number: int) -> None:
        if number == 2 and len(done) < times:
            done.append(number)
            change(len(done))

    harbor.before_page = meanwhile


async def test_a_push_between_two_pages_begins_the_list_anew(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        for number in range(150):
            put(harbor, f"{number}", f"v{number}")
        shift(harbor, 2, lambda turn: put(harbor, f"new{turn}", f"new{turn}"))
        listing = await session.list_tags()
        assert len(listing.tags) == 152
        assert set(listing.tags) == set(there(harbor))
        assert asked(harbor, "GET", "page=1&") == 3


async def test_a_deletion_and_a_push_that_keep_the_number_are_noticed(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        raws = [put(harbor, f"{number}", f"v{number}") for number in range(150)]

        def replace(turn: int) -> None:
            harbor.storage.delete_manifest(PATH, raws[-turn].digest)
            harbor.storage.delete_manifest(PATH, raws[-turn - 10].digest)
            put(harbor, f"new{turn}", f"new{turn}")
            put(harbor, f"newer{turn}", f"newer{turn}")
            put(harbor, f"newest{turn}", f"newest{turn}")
            harbor.storage.delete_manifest(PATH, raws[turn].digest)

        shift(harbor, 1, replace)
        assert set((await session.list_tags()).tags) == set(there(harbor))


async def test_an_entry_without_a_tag_that_comes_twice_is_noticed(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        raws = [put(harbor, f"{number}", *([] if number == 50 else [f"v{number}"])) for number in range(150)]

        def replace(_turn: int) -> None:
            # The number of entries stays; the last of page 1, which has no tag, comes again on page 2.
            put(harbor, "new", "new")
            harbor.storage.delete_manifest(PATH, raws[0].digest)

        shift(harbor, 1, replace)
        assert None not in (await session.list_tags()).tags.values()
        assert asked(harbor, "GET", "page=1&") == 2


async def test_a_list_that_never_stands_still_is_incomplete(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        raws = [put(harbor, f"{number}", f"v{number}") for number in range(150)]
        shift(harbor, 99, lambda turn: harbor.storage.delete_manifest(PATH, raws[-turn].digest))
        with pytest.raises(IncompleteSource, match="its number of artifacts changed"):
            await session.list_tags()


async def test_a_tag_that_moves_between_two_pages_is_not_on_two_artifacts(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        raws = [put(harbor, f"{number}", f"v{number}", f"also{number}") for number in range(150)]

        def move(_turn: int) -> None:
            # Its first manifest was on page 1, the new one is on page 2, and both keep a tag and their place.
            harbor.storage.repositories[PATH].tags["v149"] = raws[0].digest

        shift(harbor, 1, move)
        assert (await session.list_tags()).tags[Tag("v149")] == raws[0].digest
        assert asked(harbor, "GET", "page=1&") == 2


async def test_the_miscount_of_2_5_is_never_read_as_complete(tmp_path: Path) -> None:
    async with served(tmp_path, HarborEmulator(miscounts=True)) as (harbor, session):
        image = put(harbor, "one", "v1")
        sign(harbor, image)
        with pytest.raises(IncompleteSource, match="counts 2 artifacts, its pages show 1") as raised:
            await session.list_tags()
        assert "16816" in raised.value.what_to_do


BROKEN = {
    "cut short": Answer(200, b'[{"digest":"sha256:', {"X-Total-Count": "1"}),
    "a page of a proxy": Answer(200, HTML, {"X-Total-Count": "1"}),
    "an object": Answer(200, b'{"artifacts":[]}', {"X-Total-Count": "0"}),
    "no total": Answer(200, b"[]"),
    "a total that is none": Answer(200, b"[]", {"X-Total-Count": "many"}),
    "more than is shown": Answer(200, b"[]", {"X-Total-Count": "1"}),
    "less than none": Answer(200, b"[]", {"X-Total-Count": "-1"}),
    "a number without end": Answer(200, b"[]", {"X-Total-Count": "99999999999"}),
    "a bad digest": Answer(200, b'[{"digest":"md5:aa"}]', {"X-Total-Count": "1"}),
    "a bad time": Answer(200, f'[{{"digest":"{ABSENT}","push_time":"soon"}}]'.encode(), {"X-Total-Count": "1"}),
    "another API": Answer(404, b'{"code":404,"message":"path /api/v2.0/x was not found"}'),
    "the page size of another version": Answer(422, b'{"errors":[{"code":"UNPROCESSABLE_ENTITY"}]}'),
    "unwell": Answer(500, b'{"errors":[{"code":"UNKNOWN","message":"internal server error"}]}'),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
async def test_a_listing_that_is_not_one_is_never_read_as_empty(tmp_path: Path, kind: str) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        harbor.faults.add(Fault("GET", LIST, BROKEN[kind], times=None))
        with pytest.raises(IncompleteSource):
            await session.list_tags()


@pytest.mark.parametrize(
    "action", [Truncate(5), Answer(200, b'{"tags":"v1"}'), Answer(200, HTML), Answer(418, b"teapot")]
)
async def test_names_that_cannot_be_read_make_the_listing_incomplete(tmp_path: Path, action: Answer | Truncate) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        harbor.faults.add(Fault("GET", "/tags/list", action, times=None))
        with pytest.raises(IncompleteSource):
            await session.list_tags()


async def test_a_second_page_that_fails_is_no_end(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        for number in range(101):
            put(harbor, f"{number}", f"v{number}")
        harbor.faults.add(Fault("GET", r"page=2&", Answer(404, HTML), times=None))
        with pytest.raises(IncompleteSource):
            await session.list_tags()


# Absent, closed, empty


async def test_a_repository_that_is_not_there(tmp_path: Path) -> None:
    async with (
        HarborEmulator() as harbor,
        connected(harbor, tmp_path, path="shop/nobody/here") as session,
    ):
        listing = await session.list_tags()
        assert (listing.exists, listing.tags) == (False, {})


async def test_a_repository_without_artifacts_is_there(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        harbor.storage.delete_manifest(PATH, put(harbor, "one", "v1").digest)
        listing = await session.list_tags()
        assert (listing.exists, listing.tags) == (True, {})


async def test_a_project_that_is_not_there_or_closed_is_never_empty(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor, connected(harbor, tmp_path, path="secret/app") as session:
        with pytest.raises(Unauthorized, match="403") as raised:
            await session.list_tags()
        assert "project exists" in raised.value.what_to_do


async def test_an_administrator_is_told_that_there_is_no_such_project_and_not_to_check_a_password(
    tmp_path: Path,
) -> None:
    async with HarborEmulator() as harbor:
        harbor.accounts["admin"] = Account(PASSWORD, administers=True)
        login = harbor.login_as("admin", PASSWORD)
        async with connected(harbor, tmp_path, login, path="nosuch/app") as session:
            for ask in (session.list_tags, session.probe):
                with pytest.raises(Unauthorized, match="no project nosuch") as raised:
                    await ask()
                assert "password" not in str(raised.value)


async def test_a_proxy_cache_is_refused_whatever_is_in_it(tmp_path: Path) -> None:
    upstream = Storage()
    config = images.config("theirs")
    theirs = images.image(config)
    for tag in ("1.0", "2.0"):
        upstream.put_blob(PATH, config)
        upstream.put_manifest(PATH, theirs.body, theirs.media_type, tag)
    async with served(tmp_path, HarborEmulator(upstream=upstream)) as (harbor, session):
        for cached in (False, True):
            if cached:
                assert await session.resolve(Tag("1.0")) == theirs.digest
                assert there(harbor) == {"1.0": theirs.digest}, "a look has filled the cache"
            for ask in (session.list_tags, session.probe):
                with pytest.raises(IncompleteSource, match="shop, a proxy cache") as raised:
                    await ask()
                assert "Tag retention" in raised.value.what_to_do


async def test_a_project_that_is_called_like_a_number_is_not_the_one_with_that_number(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        for administers in (False, True):
            harbor.accounts["sweeper"] = replace(harbor.accounts["sweeper"], administers=administers)
            put(harbor, "one", "v1", path=f"{2024 + administers}/app")
            path = RepositoryPath(f"{2024 + administers}/app")
            numbered = session.registry.open(Repository(session.repository.host, path))
            assert [*(await numbered.list_tags()).tags] == [Tag("v1")]
            assert not (await numbered.probe()).warnings


async def test_a_project_is_asked_about_once(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        other = session.registry.open(Repository(session.repository.host, RepositoryPath("shop/other")))
        for _ in range(2):
            await session.list_tags()
            await session.probe()
            await other.list_tags()
        assert sum(each.path.endswith("/projects/shop") for each in harbor.requests) == 1


async def test_api_and_v2_that_contradict_each_other_decide_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        harbor.faults.add(Fault("GET", LIST, Answer(200, b"[]", {"X-Total-Count": "0"}), times=None))
        gone = Answer(404, b'{"errors":[{"code":"NOT_FOUND","message":"repository not found"}]}')
        harbor.faults.add(Fault("GET", r"/repositories/[^/]*$", gone, times=None))
        with pytest.raises(IncompleteSource, match="cannot be listed"):
            await session.list_tags()
        harbor.faults.clear()
        harbor.faults.add(Fault("GET", "/tags/list", gone, times=None))
        with pytest.raises(IncompleteSource, match="cannot be listed"):
            await session.list_tags()


async def test_a_name_without_a_project_is_a_wrong_name(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor, connected(harbor, tmp_path, path="app") as session:
        with pytest.raises(UsageError, match="names no repository"):
            await session.list_tags()


# Rights


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
                assert found.can_delete
                assert not found.undo.possible
                assert told in found.undo.lacks
                return
            if lacking == "pull":
                assert told in (await session.probe()).cannot_delete_because
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
            assert can.can_delete
            assert "proxy cache" in can.warnings[0]


@pytest.mark.parametrize("body", [b"<html>404</html>", b"{}", b'{"token":"opaque"}', b'{"token":7}'])
async def test_what_may_be_done_is_not_known_to_fail_where_harbor_gives_no_token(tmp_path: Path, body: bytes) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        harbor.faults.add(Fault("GET", "/service/token", Answer(200, body)))
        found = await session.probe()
        assert (found.can_delete, found.undo.lacks) == (True, "")


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
            assert not found.can_delete
            for part in ("'guest'", "WERF_REPO_HARBOR_PASSWORD", "project shop", "maintainer", "artifact:delete"):
                assert part in found.cannot_delete_because
            assert GUEST_PASSWORD not in found.cannot_delete_because
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
            assert (found.can_delete, found.tag_delete, found.digest_delete) == (True, tags, digests)


async def test_the_cli_secret_of_an_oidc_user_deletes_tags_only(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor:
        harbor.accounts["jane"] = Account(CLI_SECRET, oidc_cli=True)
        image = put(harbor, "one", "v1", "v2")
        async with connected(harbor, tmp_path, harbor.login_as("jane", CLI_SECRET)) as session:
            found = await session.probe()
            assert (found.can_delete, found.tag_delete, found.digest_delete) == (True, True, False)
            assert await session.delete_tags([Tag("v1")]) == [Deleted()]
            assert there(harbor) == {"v2": image.digest}
            (outcome,) = await session.delete_manifests([image.digest])
            assert isinstance(outcome, Forbidden)
        async with connected(harbor, tmp_path, harbor.login_as("jane", CLI_SECRET), path="shop/none") as other:
            assert not (await other.list_tags()).exists


async def test_a_wrong_password_is_told_once_with_its_origin(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor:
        put(harbor, "one", "v1")
        async with connected(harbor, tmp_path, harbor.bad_login()) as session:
            for asking in (session.probe, session.list_tags):
                with pytest.raises(Unauthorized, match="WERF_REPO_HARBOR_PASSWORD") as raised:
                    await asking()
                assert "Not-The-Password" not in str(raised.value)


async def test_nobody_may_read_a_public_project_and_not_delete(tmp_path: Path) -> None:
    async with HarborEmulator(public=True) as harbor:
        image = put(harbor, "one", "v1")
        async with connected(harbor, tmp_path, Login()) as session:
            found = await session.probe()
            assert not found.can_delete
            assert "anonymous access" in found.cannot_delete_because
            assert (await session.list_tags()).tags == {"v1": image.digest}
            assert await session.read_manifests([image.digest]) == {image.digest: image}


async def test_read_only_mode_is_found_before_planning(tmp_path: Path) -> None:
    async with served(tmp_path, HarborEmulator(read_only=True)) as (harbor, session):
        put(harbor, "one", "v1")
        found = await session.probe()
        assert not found.can_delete
        assert "read-only mode" in found.cannot_delete_because
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


async def test_docker_s_configuration_and_the_registry_s_own_host_are_enough(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor:
        image = put(harbor, "one", "v1")
        auth = {"username": "sweeper", "password": PASSWORD}
        login = Login(docker_config={"auths": {harbor.host: auth}})
        async with connected(harbor, tmp_path, login, api_url=False) as session:
            assert (await session.probe()).can_delete
            assert await session.delete_manifests([image.digest]) == [Deleted()]


async def test_the_api_may_be_elsewhere(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor, HarborEmulator() as core:
        core.storage = harbor.storage
        put(harbor, "one", "v1")
        login = harbor.login()
        elsewhere = Login({**login.environ, "HOLYSTONE_REPO_API_URL": core.url})
        async with connected(harbor, tmp_path, elsewhere) as session:
            assert (await session.list_tags()).tags.keys() == {"v1"}
            assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        assert {each.path.split("/")[1] for each in harbor.requests} == {"v2"}
        assert {each.path.split("/")[1] for each in core.requests} == {"api"}


# Deleting


async def test_a_tag_goes_alone_and_an_artifact_with_all_its_tags(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        one, two = put(harbor, "one", "v1", "v2"), put(harbor, "two", "v3", "v4")
        await session.list_tags()
        assert await session.delete_tags([Tag("v1"), Tag("v1")]) == [Deleted(), AlreadyGone()]
        assert there(harbor) == {"v2": one.digest, "v3": two.digest, "v4": two.digest}
        outcomes = await session.delete_manifests([two.digest, two.digest, ABSENT])
        assert outcomes == [Deleted(), AlreadyGone(), AlreadyGone()]
        assert there(harbor) == {"v2": one.digest}


async def test_the_last_tag_leaves_its_artifact(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        one = put(harbor, "one", "v1")
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        assert await session.resolve(one.digest) == one.digest


async def test_an_index_takes_its_untagged_children_and_referrers_along(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        mine, tagged, shared = put(harbor, "mine"), put(harbor, "tagged", "linux"), put(harbor, "shared")
        doomed = put_raw(harbor, images.index(mine, tagged, shared), "old")
        kept = put_raw(harbor, images.index(shared), "keep")
        put(harbor, "sbom", "sbom-of-it", subject=doomed)
        (refused,) = await session.delete_manifests([mine.digest])
        assert isinstance(refused, Referenced)
        assert await session.delete_manifests([doomed.digest]) == [Deleted()]
        assert set(harbor.storage.repositories[PATH].manifests) == {tagged.digest, shared.digest, kept.digest}
        assert set(there(harbor)) == {"linux", "keep"}


async def test_a_locked_tag_rolls_the_whole_deletion_back(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1", "v2")
        put(harbor, "sbom", "sbom-of-it", subject=image)
        harbor.lock(PATH, "v2")
        before = there(harbor)
        (whole,) = await session.delete_manifests([image.digest])
        free, locked = await session.delete_tags([Tag("v1"), Tag("v2")])
        assert isinstance(whole, Locked)
        assert free == Deleted()
        assert isinstance(locked, Locked)
        assert "immutable" in locked.rule
        assert there(harbor) == {tag: digest for tag, digest in before.items() if tag != "v1"}


async def test_a_locked_tag_of_a_hidden_referrer_keeps_its_subject(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        put(harbor, "sbom", "sbom-of-it", subject=image)
        harbor.lock(PATH, "sbom-of-it")
        (outcome,) = await session.delete_manifests([image.digest])
        assert isinstance(outcome, Locked)
        assert set(there(harbor)) == {"v1", "sbom-of-it"}


async def test_gone_is_believed_only_if_the_path_was_understood(tmp_path: Path) -> None:
    """A proxy that decodes once too often makes Harbor say NOT_FOUND to everything."""
    not_found = Answer(404, b'{"errors":[{"code":"NOT_FOUND","message":"artifact shop/team not found"}]}')
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        harbor.faults.add(Fault("DELETE", "/api/", not_found, times=None))
        (tag,) = await session.delete_tags([Tag("v1")])
        (manifest,) = await session.delete_manifests([image.digest])
        assert isinstance(tag, Failed)
        assert isinstance(manifest, Failed)
        assert await session.delete_tags([Tag("v9")]) == [AlreadyGone()]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(404, b'{"code":404,"message":"path /api/v2.0/projects/shop/x was not found"}'), Failed),
        (Answer(404, HTML), Failed),
        (Answer(403, b'{"errors":[{"code":"DENIED","message":"The system is in read only mode."}]}'), Forbidden),
        (Answer(403, b'{"errors":[{"code":"FORBIDDEN","message":"forbidden"}]}'), Forbidden),
        (Answer(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized"}]}'), Forbidden),
        (Answer(405, b'{"errors":[{"code":"METHOD_NOT_ALLOWED","message":"proxy cache"}]}'), Forbidden),
        (Answer(409, b'{"errors":[{"code":"CONFLICT","message":"try again"}]}'), Failed),
        (Answer(412, b'{"errors":[{"code":"PRECONDITION","message":"immutable"}]}'), Locked),
        (Answer(412, b'{"errors":[{"code":"VIOLATE_FOREIGN_KEY_CONSTRAINT","message":"by others"}]}'), Referenced),
        (Answer(412, b'{"errors":[{"code":"PROJECTPOLICYVIOLATION","message":"?"}]}'), Failed),
        (Answer(422, b'{"errors":[{"code":"UNPROCESSABLE_ENTITY","message":"?"}]}'), Failed),
        (Answer(500, b'{"errors":[{"code":"UNKNOWN","message":"internal server error"}]}'), Failed),
        (Answer(504, HTML), Failed),
    ],
)
async def test_what_replies_to_a_deletion_mean(tmp_path: Path, answer: Answer, expected: type) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        await session.list_tags()
        harbor.faults.add(Fault("DELETE", "/api/", answer, times=None))
        outcomes = [
            *await session.delete_tags([Tag("v1")]),
            *await session.delete_manifests([image.digest]),
        ]
        assert [type(outcome) for outcome in outcomes] == [expected, expected]


async def test_a_dead_host_is_nobody_s_outcome(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        await harbor.__aexit__(None, None, None)
        with pytest.raises(Unreachable):
            await session.delete_tags([Tag("v1")])
        with pytest.raises(HolystoneError):
            await session.list_tags()


# Later


async def test_a_deadlock_of_the_database_passes(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        harbor.deadlocks = 2
        assert await session.delete_manifests([image.digest]) == [Deleted()]
        assert harbor.deadlocks == 0


async def test_a_conflict_passes(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        conflict = Answer(409, b'{"errors":[{"code":"CONFLICT","message":"quota is being updated"}]}')
        harbor.faults.add(Fault("DELETE", "/api/", conflict, times=2))
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]


async def test_an_ingress_that_throttles_is_obeyed(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        harbor.throttle(2)
        assert (await session.list_tags()).tags == {"v1": image.digest}
        harbor.throttle(2)
        assert await session.delete_manifests([image.digest]) == [Deleted()]
        assert harbor.throttled == 0


async def test_a_robot_that_expires_in_the_middle_is_told(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor:
        harbor.accounts["robot$sweeper"] = robot(*MAINTAINER)
        put(harbor, "one", "v1", "v2")
        async with connected(harbor, tmp_path, harbor.login_as("robot$sweeper", "Robot-Secret-9")) as session:
            assert await session.delete_tags([Tag("v1")]) == [Deleted()]
            del harbor.accounts["robot$sweeper"]
            (outcome,) = await session.delete_tags([Tag("v2")])
            assert isinstance(outcome, Forbidden)
            assert "robot$sweeper" in outcome.what
            with pytest.raises(Unauthorized):
                await session.list_tags()


async def test_no_cookie_is_sent_back_so_that_no_csrf_token_is_wanted(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        await session.list_tags()
        assert await session.delete_manifests([image.digest]) == [Deleted()]


# Reading and putting back


async def test_a_look_counts_no_pull_and_a_manifest_read_counts_one(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        assert await session.resolve(Tag("v1")) == image.digest
        assert await session.resolve(Tag("v2")) is None
        assert harbor.pulled == {}
        assert await session.read_manifests([image.digest, ABSENT]) == {image.digest: image}
        assert harbor.pulled == {image.digest: 1}
        config = images.config("one")
        assert await session.read_blob(Digest.of(config)) == config


async def test_a_policy_that_blocks_pulls_is_named(tmp_path: Path) -> None:
    async with served(tmp_path, HarborEmulator(blocks_pulls=True)) as (harbor, session):
        image = put(harbor, "one", "v1")
        with pytest.raises(IncompleteSource, match="policy of the project shop") as raised:
            await session.read_manifests([image.digest])
        assert "Deployment security" in raised.value.what_to_do
        with pytest.raises(IncompleteSource, match="policy of the project shop") as looked:
            await session.resolve(Tag("v1"))  # its 412 has no body
        assert looked.value.message.endswith(
            "blocks pulls of images that are unsigned (content trust) or vulnerable (prevent vulnerable images from "
            "running)."
        )
        assert "address" not in looked.value.what_to_do


async def test_what_was_deleted_is_pushed_again(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        assert await session.delete_manifests([image.digest]) == [Deleted()]
        assert not await session.restore(image.digest, [Tag("v1")])
        await session.push_manifest(Tag("v1"), image)
        assert (await session.list_tags()).tags == {"v1": image.digest}


# The emulator itself, where the adapter never goes


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/api/v2.0/projects/shop/repositories/team%252Fapp/artifacts?page_size=101", 422, "UNPROCESSABLE"),
        ("GET", "/api/v2.0/projects/shop/repositories/team%2Fapp/artifacts", 404, "NOT_FOUND"),
        ("GET", "/v2/shop/team/app/tags/list?n=1", 200, '["v1"]'),
        ("GET", f"/v2/shop/team/app/referrers/{ABSENT}", 200, '"manifests":[]'),
        ("GET", "/v2/shop/team/app/referrers/sha256:12", 400, "BAD_REQUEST"),
        ("GET", "/api/v2.0/projects/shop", 200, '"name":"shop"'),
        ("DELETE", "/v2/shop/team/app/manifests/v1", 400, "UNSUPPORTED"),
        ("GET", "/api/v2.0/projects/shop/repositories/team%252Fapp/artifacts/v1", 200, '"Labels":{"text":"one"}'),
    ],
)
async def test_the_emulator_is_as_strict_as_harbor(
    tmp_path: Path, method: str, path: str, status: int, text: str
) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        reply = await session.http.request(method, path, lane=session.reads, limit=100_000)
        assert reply.status == status
        assert text in reply.body.decode()


def test_a_guest_has_no_right_to_delete() -> None:
    assert not any("delete" in right for right in GUEST)
