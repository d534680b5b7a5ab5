"""Amazon ECR: the adapter against its emulator, through the real wiring, and against odd replies."""

import json
import logging
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import anyio
import botocore.loaders
import botocore.validate
import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointResolutionError
from botocore.model import ServiceModel
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.credentials.credential import Anonymous
from holystone.adapters.credentials.redaction import redacted
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorization import Authorization
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.signer import Outgoing
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.ecr.errors import classify, error_of
from holystone.adapters.registries.ecr.hosts import EcrName
from holystone.adapters.registries.ecr.identity import endpoint
from holystone.adapters.registries.ecr.login import RegistryLogin
from holystone.adapters.registries.ecr.profile import PROFILE
from holystone.adapters.registries.ecr.registry import EcrSession
from holystone.embedded.faults import Answer, Fault, Truncate
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.errors import IncompleteSource, Unauthorized, Unreachable, UsageError
from holystone.engine.model.capabilities import DigestDeletion
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Referenced
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.scheduler import Limits, RateLimited, Scheduler, Transient
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.ecr import ACCOUNT, REGION, EcrEmulator
from tests.emulators.vendor import Login
from tests.support import images
from tests.support.command_line import hasty

PATH = "team/app"
CHINA = "amazonwebservices.com.cn"
ABSENT = Digest("sha256:" + "0" * 64)
CREDENTIAL_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")


@pytest.fixture(autouse=True)
def _own_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No profile, role or region of whoever runs the tests, and no waits."""
    for name in (*CREDENTIAL_VARIABLES, "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with hasty():
        yield


@asynccontextmanager
async def connected(
    served: EcrEmulator,
    folder: Path,
    login: Login | None = None,
    *,
    host: str = "",
    environ: Mapping[str, str] = MappingProxyType({}),
    attempts: int = 4,
) -> AsyncIterator[EcrSession]:
    given = {**served.environ, **(served.login() if login is None else login).environ, **environ}
    repository = Repository(RegistryHost.parse(host or served.host), RepositoryPath(PATH))
    async with Connections(
        folder,
        access=resolve_access(Given({}, given)),
        environ=given,
        limits=Limits(attempts=attempts, host_patience=0.2),
    ) as connections:
        session = await connections.session(repository, "ecr")
        assert isinstance(session, EcrSession)
        yield session


def push(
    served: EcrEmulator, text: str, *tags: str, subject: RawManifest | None = None, path: str = PATH
) -> RawManifest:
    config = images.config(text)
    served.storage.put_blob(path, config)
    return store(served, images.image(config, subject=subject), *tags, path=path)


def store(served: EcrEmulator, raw: RawManifest, *tags: str, path: str = PATH) -> RawManifest:
    for tag in tags or (None,):
        served.storage.put_manifest(path, raw.body, raw.media_type, tag)
    return raw


def present(served: EcrEmulator) -> tuple[set[str], set[str]]:
    state = served.storage.repositories[PATH]
    return set(state.tags), set(state.manifests)


def asked(served: EcrEmulator, operation: str) -> list[dict[str, Any]]:
    return [fields for each, fields in served.calls if each == operation]


def says(body: object, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> Answer:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, encoded, {"Content-Type": "application/x-amz-json-1.1", **headers})


def to_api(answer: Answer | Truncate, times: int | None = None) -> Fault:
    return Fault("POST", "^/$", answer, times=times)


# Listing


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2000])
async def test_listing_is_complete_at_page_boundaries(tmp_path: Path, count: int) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        served.storage.repository(PATH)
        expected = {Tag(f"v{number}"): push(served, f"{number}", f"v{number}").digest for number in range(count)}
        listing = await session.list_tags()
        assert listing.exists
        assert listing.tags == expected
        assert len(asked(served, "DescribeImages")) == max(1, -(-count // 1000))
        assert {each["maxResults"] for each in asked(served, "DescribeImages")} == {1000}


async def test_listing_says_digests_push_times_and_what_may_belong_to_others(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        shared = push(served, "one", "v1", "latest")
        multi = store(served, images.index(shared), "multi")
        loose = push(served, "loose")
        signature = push(served, "signature", subject=shared)
        sbom = push(served, "sbom", "sbom", subject=shared)
        pushed = served.storage.repositories[PATH].pushed
        pushed[shared.digest], pushed[loose.digest] = 1_700_000_000.25, 1_700_000_060.75
        listing = await session.list_tags()
        assert await session.referrers(shared.digest) == ()
    assert listing.tags == {"v1": shared.digest, "latest": shared.digest, "multi": multi.digest, "sbom": sbom.digest}
    assert listing.untagged == (signature.digest,)
    assert listing.pushed.keys() == {each.digest for each in (shared, multi, loose, signature, sbom)}
    assert listing.put == {}
    assert (listing.pushed[shared.digest], listing.pushed[loose.digest]) == (1_700_000_000, 1_700_000_060)
    assert listing.locked == {}
    assert listing.manifests == {}


async def test_archived_images_are_seen_and_kept(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        first = push(served, "one", "v1", "old")
        push(served, "two", "v2")
        child = push(served, "child")
        both = store(served, images.index(child), "multi")
        third = push(served, "three", "v3")
        served.archive(PATH, "v1")
        served.archive(PATH, "multi")
        served.archive(PATH, "v3", "ACTIVATING")
        listing = await session.list_tags()
        assert listing.tags.keys() == {"v1", "old", "v2", "v3", "multi"}
        assert listing.locked == {
            "v1": "archived",
            "old": "archived",
            "multi": "archived",
            "v3": "being restored from the archive",
        }
        # Described well enough not to be read, since it cannot be; an index has children that nobody tells.
        assert listing.manifests.keys() == {first.digest, third.digest}
        assert await session.resolve(Tag("v1")) == first.digest
        assert await session.read_manifests([first.digest, both.digest, child.digest]) == {child.digest: child}


async def test_an_image_without_a_digest_and_a_state_of_megabytes(tmp_path: Path) -> None:
    """The state is a reason why its tags stay, for each of them in the plan."""
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        served.faults.add(to_api(says({"imageDetails": [{"imageDigest": "none", "imageTags": ["v1"]}]}), times=1))
        with pytest.raises(IncompleteSource, match="'none' is not a valid digest"):
            await session.resolve(Tag("v1"))
        image = {"imageDigest": ABSENT, "imageTags": ["v1"], "imageStatus": "x" * 100_000}
        served.faults.add(to_api(says({"imageDetails": [image]}), times=1))
        assert len((await session.list_tags()).locked[Tag("v1")]) < 100


async def test_a_page_of_millions_of_nothings_is_not_decoded(tmp_path: Path) -> None:
    """Sixteen megabytes of them took three hundred more, in one go."""
    body = b'{"imageDetails":[],"x":[' + b"{}," * 1_000_000 + b"{}]}"
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        served.faults.add(to_api(says(body), times=1))
        with pytest.raises(IncompleteSource, match="more than 1,000,000 values"):
            await session.list_tags()


async def test_a_repository_that_is_not_there_and_one_that_is_forbidden(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        push(served, "one", "v1", path="team/other")
        listing = await session.list_tags()
        assert not listing.exists
        assert await session.resolve(Tag("v1")) is None
        assert not (await session.probe()).forbidden
        assert await session.delete_tags([Tag("v1")]) == [AlreadyGone()]
    async with (
        EcrEmulator(denied=frozenset({"DescribeImages", "BatchGetImage"})) as served,
        connected(served, tmp_path) as session,
    ):
        raw = push(served, "one", "v1")
        with pytest.raises(Unauthorized, match="lacks ecr:DescribeImages"):
            await session.list_tags()
        with pytest.raises(Unauthorized, match="lacks ecr:DescribeImages"):
            await session.resolve(Tag("v1"))
        with pytest.raises(Unauthorized, match="lacks ecr:BatchGetImage"):
            await session.read_manifests([raw.digest])


async def test_a_repository_that_vanishes_between_two_pages_is_not_read_as_absent(tmp_path: Path) -> None:
    page = {"imageDetails": [{"imageDigest": ABSENT, "imageTags": ["v1"]}], "nextToken": "more"}
    gone = {"__type": "RepositoryNotFoundException", "message": "gone"}
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        served.faults.add(to_api(says(page), times=1))
        served.faults.add(Fault("POST", "^/$", says(gone, 400), nth=2))
        with pytest.raises(IncompleteSource, match="Page 2 of the images"):
            await session.list_tags()


async def test_a_tag_that_moves_while_it_is_listed_is_looked_up(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        now = push(served, "now", "latest", "stable")
        before = {"imageDigest": ABSENT, "imageTags": ["latest", "v1"]}
        after = {"imageDigest": now.digest, "imageTags": ["latest", "stable"]}
        served.faults.add(to_api(says({"imageDetails": [before], "nextToken": "a"}), times=1))
        served.faults.add(Fault("POST", "^/$", says({"imageDetails": [after]}), nth=2))
        listing = await session.list_tags()
        assert listing.tags == {"latest": None, "v1": ABSENT, "stable": now.digest}
        assert await session.resolve(Tag("latest")) == now.digest


IMAGE = {"imageDigest": ABSENT, "imageTags": ["v1"]}
BROKEN: dict[str, Answer | Truncate] = {
    "cut short": says(b'{"imageDetails":[{"imageDi'),
    "connection cut": Truncate(3),
    "a page of a proxy": Answer(200, b"<html>Welcome</html>", {"Content-Type": "text/html"}),
    "a proxy's no": Answer(403, b"<html>Blocked</html>", {"Content-Type": "text/html"}),
    "a bare 404": Answer(404, b""),
    "no images key": says({}),
    "a list": says([IMAGE]),
    "null": says({"imageDetails": None}),
    "tags as text": says({"imageDetails": [{**IMAGE, "imageTags": "v1"}]}),
    "no digest": says({"imageDetails": [{"imageTags": ["v1"]}]}),
    "a digest that is none": says({"imageDetails": [{**IMAGE, "imageDigest": "sha256:../.."}]}),
    "pages in circles": says({"imageDetails": [IMAGE], "nextToken": "again"}),
    "an error without a code": says({"message": "no"}, 400),
    "a bad argument": says({"__type": "InvalidParameterException", "message": "no"}, 400),
    "broken for good": says({"__type": "ServerException", "message": "no"}, 500),
    "a redirect elsewhere": Answer(307, headers={"Location": "http://localhost:1/"}),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
async def test_a_listing_that_is_not_one_is_never_read_as_empty(tmp_path: Path, kind: str) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        push(served, "one", "v1")
        served.faults.add(to_api(BROKEN[kind]))
        with pytest.raises(IncompleteSource):
            await session.list_tags()


async def test_a_registry_that_is_down(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        environ = {"HOLYSTONE_REPO_API_URL": "http://127.0.0.1:1"}
        async with connected(served, tmp_path, environ=environ) as session:
            with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
                await session.list_tags()
            with pytest.raises(Unreachable):
                await session.delete_tags([Tag("v1")])


# Reading


async def test_a_hundred_manifests_are_read_at_once(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        raws = [push(served, f"{number}") for number in range(98)]
        raws.append(store(served, images.index(*raws[:2])))
        assert session.manifests_at_once == 100
        found = await session.read_manifests([*(raw.digest for raw in raws), ABSENT])
        assert found == {raw.digest: raw for raw in raws}
        assert len(asked(served, "BatchGetImage")) == 1


async def test_a_manifest_is_verified_and_never_silently_left_out(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        one, two = push(served, "one"), push(served, "two")
        other = {"imageId": {"imageDigest": one.digest}, "imageManifest": two.body.decode()}
        served.faults.add(to_api(says({"images": [other], "failures": []}), times=1))
        with pytest.raises(IncompleteSource, match="does not match its digest"):
            await session.read_manifests([one.digest])
        served.faults.add(to_api(says({"images": [], "failures": []}), times=1))
        with pytest.raises(IncompleteSource, match="did not answer for it"):
            await session.read_manifests([one.digest])
        served.failing[two.digest] = "KmsError"
        with pytest.raises(IncompleteSource, match=r"1 of 2 manifests .* KmsError"):
            await session.read_manifests([one.digest, two.digest])


async def test_a_configuration_comes_from_the_storage_host_without_our_authorization(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        push(served, "one", "v1")
        config = images.config("one")
        for _ in range(3):
            assert await session.read_blob(Digest.of(config)) == config
        assert await session.read_blob(ABSENT) is None
        bucket = [each for each in served.requests if each.path.startswith("/starport")]
        assert [each.authorization for each in bucket] == [""] * 3
        assert all(each.host.startswith("localhost") for each in bucket)
        assert len(asked(served, "GetAuthorizationToken")) == 1


# The token for /v2


async def test_a_token_that_ended_is_renewed_once(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        push(served, "one", "v1")
        digest = Digest.of(images.config("one"))
        assert await session.read_blob(digest)
        served.expire_tokens()
        assert await session.read_blob(digest)
        served.expire_tokens()
        assert await session.push_blob(images.config("one")) == digest
        assert served.requests[-1].method == "HEAD"  # whose 403 has no body that could say why
        assert len(asked(served, "GetAuthorizationToken")) == 3
        served.token_lifetime = -1.0
        served.expire_tokens()
        with pytest.raises(Unauthorized, match="token has expired"):
            await session.read_blob(digest)
        assert len(asked(served, "GetAuthorizationToken")) == 4


@pytest.mark.parametrize(("lifetime", "margin"), [(12 * 3600.0, 900.0), (60.0, 15.0)])
async def test_a_token_is_renewed_before_it_ends(tmp_path: Path, lifetime: float, margin: float) -> None:
    now = 1000.0
    async with EcrEmulator(token_lifetime=lifetime) as served, connected(served, tmp_path) as session:
        login = RegistryLogin(session._api, clock=lambda: now)
        outgoing = Outgoing("GET", URL(served.url), {}, None)
        first = await login.sign(outgoing)
        now += lifetime - margin - 2
        assert await login.sign(outgoing) == first
        now += 3
        assert await login.sign(outgoing) != first
        assert len(asked(served, "GetAuthorizationToken")) == 2


async def test_a_token_is_fetched_once_for_all_who_need_it(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(session.read_blob, ABSENT)
        assert len(asked(served, "GetAuthorizationToken")) == 1


async def test_a_missing_right_to_a_token_is_named(tmp_path: Path) -> None:
    async with (
        EcrEmulator(denied=frozenset({"GetAuthorizationToken"})) as served,
        connected(served, tmp_path) as session,
    ):
        push(served, "one", "v1")
        with pytest.raises(Unauthorized, match=r"AWS_ACCESS_KEY_ID in the environment.* lacks ecr:GetAuthorizationTok"):
            await session.read_blob(Digest.of(images.config("one")))


@pytest.mark.parametrize("answer", [{}, {"authorizationData": []}, {"authorizationData": [{}]}])
async def test_a_token_that_does_not_come(tmp_path: Path, answer: object) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        served.faults.add(to_api(says(answer)))
        with pytest.raises(IncompleteSource, match="GetAuthorizationToken"):
            await session.read_blob(ABSENT)


@pytest.mark.parametrize("ends", [None, 0.0, 1_436_000_000.0, 9e12])
async def test_a_strange_end_of_a_token_is_taken_for_twelve_hours(tmp_path: Path, ends: float | None) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        push(served, "one", "v1")
        (data,) = served._authorization_token({})["authorizationData"]
        data["expiresAt"] = ends
        served.faults.add(to_api(says({"authorizationData": [data]}), times=1))
        digest = Digest.of(images.config("one"))
        for _ in range(2):
            assert await session.read_blob(digest)
        assert asked(served, "GetAuthorizationToken") == []


# Deleting


async def test_deletions_by_tag_and_by_digest(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        shared = push(served, "one", "v1", "v2")
        push(served, "two", "last")
        both = push(served, "three", "a", "b")
        kept = push(served, "four", "keep")
        gone = await session.delete_tags([Tag("v1"), Tag("nothing"), Tag("last"), Tag("v1")])
        assert gone == [Deleted(), AlreadyGone(), Deleted(), AlreadyGone()]
        assert present(served) == ({"v2", "a", "b", "keep"}, {shared.digest, both.digest, kept.digest})
        gone = await session.delete_manifests([ABSENT, both.digest, both.digest])
        assert gone == [AlreadyGone(), Deleted(), AlreadyGone()]
        assert present(served) == ({"v2", "keep"}, {shared.digest, kept.digest})
        assert len(asked(served, "BatchDeleteImage")) == 2


async def test_an_index_goes_before_what_it_lists(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        child = push(served, "child", "amd64")
        multi = store(served, images.index(child), "multi")
        (by_tag,) = await session.delete_tags([Tag("amd64")])
        assert isinstance(by_tag, Referenced)
        together = await session.delete_manifests([multi.digest, child.digest])
        assert together[0] == Deleted()
        assert isinstance(together[1], Referenced)
        assert present(served) == ({"amd64"}, {child.digest})
        assert await session.delete_manifests([child.digest]) == [Deleted()]


async def test_a_hundred_at_once_and_no_more_are_taken(tmp_path: Path) -> None:
    assert PROFILE.can.bulk == 100
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        digests = [push(served, f"{number}", f"v{number}").digest for number in range(101)]
        refused = await session.delete_manifests(digests)
        assert {type(each) for each in refused} == {Failed}
        assert "less than or equal to 100" in str(refused[0])
        assert await session.delete_manifests(digests[:100]) == [Deleted()] * 100
        assert len(present(served)[1]) == 1


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ImageNotFound", AlreadyGone),
        ("ImageReferencedByManifestList", Referenced),
        ("UpstreamAccessDenied", Forbidden),
        ("InvalidImageDigest", Failed),
        ("InvalidImageTag", Failed),
        ("MissingDigestAndTag", Failed),
        ("ImageTagDoesNotMatchDigest", Failed),
        ("KmsError", Failed),
        ("ImageInaccessible", Failed),
        ("UpstreamTooManyRequests", Failed),
        ("UpstreamUnavailable", Failed),
        ("SomethingNew", Failed),
    ],
)
async def test_every_failure_code_is_for_its_own_image_only(tmp_path: Path, code: str, expected: type) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        bad, good = push(served, "bad", "bad"), push(served, "good", "good")
        served.failing = {bad.digest: code, "bad": code}
        by_digest = await session.delete_manifests([bad.digest, good.digest])
        assert [type(each) for each in by_digest] == [expected, Deleted]
        (by_tag,) = await session.delete_tags([Tag("bad")])
        assert isinstance(by_tag, expected)
        assert present(served)[0] == {"bad"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (says({"imageIds": [], "failures": []}), Failed),
        (says({}), Failed),
        (says({"imageIds": [{}], "failures": [{"failureCode": "KmsError"}]}), Failed),
        (says({"imageIds": "all"}), Failed),
        (says(b"<html>"), Failed),
        (says({"__type": "com.amazonaws.ecr#RepositoryNotFoundException"}, 400), AlreadyGone),
        (says({"__type": "AccessDeniedException", "Message": "no"}, 400), Forbidden),
        (says({"__type": "UnrecognizedClientException"}, 400), Forbidden),
        (says({"__type": "InvalidParameterException"}, 400), Failed),
        (says({"__type": "LimitExceededException"}, 400), Failed),
        (says({"__type": "ServerException"}, 500), Failed),
        (says({}, 400, {"x-amzn-ErrorType": "AccessDeniedException:http://internal.amazon.com/"}), Forbidden),
    ],
)
async def test_odd_replies_to_a_deletion(tmp_path: Path, answer: Answer, expected: type) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        served.faults.add(to_api(answer))
        outcomes = await session.delete_manifests([ABSENT, Digest("sha256:" + "1" * 64)])
        assert [type(each) for each in outcomes] == [expected, expected]


async def test_nothing_is_restored_but_everything_can_be_pushed_again(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        raw = push(served, "one", "v1", "v2")
        assert await session.delete_manifests([raw.digest]) == [Deleted()]
        assert not await session.restore(raw.digest, [Tag("v1")])
        await session.push_manifest(Tag("v1"), raw)
        assert present(served) == ({"v1"}, {raw.digest})


# Rights


async def test_probing_tells_what_can_be_done_and_changes_nothing(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        push(served, "one", "v1")
        before = present(served)
        async with connected(served, tmp_path) as session:
            assert await session.probe() == PROFILE.can
            asked = len(served.requests)
            assert await session.probe() == PROFILE.can
            assert len(served.requests) == asked
        served.mutability = "IMMUTABLE_WITH_EXCLUSION"
        async with connected(served, tmp_path) as session:
            immutable = await session.probe()
            assert not immutable.forbidden
            assert immutable.digests == DigestDeletion(tags_first=False)
        served.denied = frozenset({"DescribeRepositories"})
        async with connected(served, tmp_path) as session:
            careful = await session.probe()
            assert not careful.forbidden
            assert careful.digests == DigestDeletion(tags_first=False)
            assert present(served) == before
            assert await session.delete_tags([Tag("v1")]) == [Deleted()]


async def test_a_rule_that_goes_by_pulls_is_told_since_reading_counts_as_one(tmp_path: Path) -> None:
    rule = {"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "sinceImagePulled", "countNumber": 90}}
    async with EcrEmulator() as served:
        raw = push(served, "one", "v1")
        async with connected(served, tmp_path) as session:
            await session.list_tags()
            await session.resolve(Tag("v1"))
            assert (await session.probe()).warnings == (), "there is no policy"
            assert served.pulled == set()
            await session.read_manifests([raw.digest])
            assert served.pulled == {raw.digest}
        served.lifecycle = {"rules": [rule]}
        async with connected(served, tmp_path) as session:
            await session.read_manifests([raw.digest])
            (told,) = (await session.probe()).warnings
            for part in ("register-pull-time-update-exclusion", "HOLYSTONE_CACHE_DIR"):
                assert part in told
        async with connected(served, tmp_path) as session:
            assert (await session.probe()).warnings == (), "nothing was read: all was known"
        served.denied = frozenset({"GetLifecyclePolicy"})
        async with connected(served, tmp_path) as session:
            await session.read_manifests([raw.digest])
            can = await session.probe()
            assert (can.forbidden, can.warnings) == ("", ())


async def test_a_missing_right_to_delete_is_found_before_and_names_the_credential(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path, served.weak_login()) as session:
        raw = push(served, "one", "v1")
        assert (await session.list_tags()).tags == {"v1": raw.digest}
        found = await session.probe()
        assert found.forbidden
        why = found.forbidden
        assert "the AWS credential (AWS_ACCESS_KEY_ID in the environment) lacks ecr:BatchDeleteImage" in why
        assert f"arn:aws:iam::{ACCOUNT}:user/reader" in why
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)
        assert present(served)[0] == {"v1"}


@pytest.mark.parametrize(
    "answer",
    [
        {"imageIds": [{"imageDigest": ABSENT}], "failures": []},
        {"failures": [{"failureCode": "KmsError", "imageId": {"imageDigest": ABSENT}}]},
    ],
)
async def test_a_strange_answer_to_the_probe_is_no_right(tmp_path: Path, answer: object) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        served.faults.add(Fault("POST", "^/$", says(answer), nth=2))
        assert "strangely" in (await session.probe()).forbidden


# Credentials


async def test_wrong_credentials_read_nothing_and_show_nothing(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        push(served, "one", "v1")
        for login, words in (
            (served.bad_login(), "InvalidSignatureException"),
            (served.unknown_login(), "UnrecognizedClientException"),
        ):
            async with connected(served, tmp_path, login) as session:
                for read in (session.list_tags(), session.probe()):
                    with pytest.raises(Unauthorized, match=words) as raised:
                        await read
                    assert "AWS_ACCESS_KEY_ID in the environment" in str(raised.value)
                    assert not [secret for secret in login.secrets if secret in str(raised.value)]


async def test_a_session_works_until_it_ends(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        raw, login = push(served, "one", "v1"), served.session_login()
        async with connected(served, tmp_path, login) as session:
            assert (await session.list_tags()).tags == {"v1": raw.digest}
            served.end_sessions()
            with pytest.raises(Unauthorized, match="ExpiredTokenException"):
                await session.list_tags()
            (outcome,) = await session.delete_tags([Tag("v1")])
            assert isinstance(outcome, Forbidden)


async def test_what_aws_quotes_of_a_signed_request_is_not_shown(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        login = served.session_login()
        wrong = Login({**login.environ, "AWS_SECRET_ACCESS_KEY": "another"}, secrets=login.secrets)
        async with connected(served, tmp_path, wrong) as session:
            with pytest.raises(Unauthorized, match="InvalidSignatureException") as raised:
                await session.list_tags()
            target = {"X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.DescribeImages"}
            target["Content-Type"] = "application/x-amz-json-1.1"
            answer = await session._api._http.request(
                "POST", "/", lane=session._lanes.lists, limit=10_000, headers=target, body=b"{}"
            )
            assert "x-amz-security-token:***" in redacted(answer.body.decode())
        every, error = "", cast("BaseException | None", raised.value)
        while error is not None:
            every += f"{error!r} {error} {vars(error)}"
            error = error.__cause__ or error.__context__
        assert login.environ["AWS_SESSION_TOKEN"] not in every


async def test_no_secret_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with EcrEmulator() as served:
        push(served, "one", "v1")
        login = served.session_login()
        with caplog.at_level(logging.DEBUG):
            async with connected(served, tmp_path, login) as session:
                await session.list_tags()
                await session.read_blob(Digest.of(images.config("one")))
                text = f"{caplog.text} {session!r} {session._api!r} {vars(session._api)} {vars(session.http)}"
        passwords = [password for password in served._tokens if password in text]
        assert not [secret for secret in login.secrets if secret in text]
        assert not passwords
        assert not [each for each in served.requests if each.authorization and each.authorization in text]


async def test_the_chain_goes_on_to_aws_own_files(tmp_path: Path) -> None:
    """And to them once more, when a session has ended: tools that log people in write the next one there."""
    file = tmp_path / "credentials"

    def write(login: Login) -> None:
        environ = login.environ
        file.write_text(
            f"[default]\naws_access_key_id = {environ['AWS_ACCESS_KEY_ID']}\n"
            f"aws_secret_access_key = {environ['AWS_SECRET_ACCESS_KEY']}\n"
            f"aws_session_token = {environ['AWS_SESSION_TOKEN']}\n"
        )

    (tmp_path / "config").write_text(f"[default]\nregion = {REGION}\n")
    async with EcrEmulator() as served:
        raw = push(served, "one", "v1")
        write(served.session_login())
        async with connected(served, tmp_path, Login()) as session:
            assert session._api.origin == "AWS's credentials file"
            assert (await session.list_tags()).tags == {"v1": raw.digest}
            served.end_sessions()
            write(served.session_login())
            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(session.list_tags)
            served.end_sessions()
            with pytest.raises(Unauthorized, match="AWS's credentials file"):
                await session.list_tags()


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"AWS_REGION": REGION}, "No AWS credentials were found"),
        ({"AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "half"}, "AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, "region is unknown"),
        ({"AWS_REGION": "example.com/#"}, "not an AWS region"),
    ],
)
async def test_what_is_missing_is_said_at_once(tmp_path: Path, environ: dict[str, str], words: str) -> None:
    async with EcrEmulator() as served:
        with pytest.raises(UsageError, match=words):
            async with connected(served, tmp_path, Login(environ)):
                pass
        assert served.requests == []


async def test_a_profile_that_does_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    async with EcrEmulator() as served:
        for environ in ({}, {"AWS_REGION": REGION}):
            with pytest.raises(UsageError, match="nobody"):
                async with connected(served, tmp_path, Login(environ)):
                    pass


async def test_docker_login_alone_is_not_enough(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        (data,) = served._authorization_token({})["authorizationData"]
        config = {"auths": {served.host: {"auth": data["authorizationToken"]}}}
        (tmp_path / "config.json").write_text(json.dumps(config))
        with pytest.raises(UsageError, match="docker login"):
            async with connected(served, tmp_path, Login({"AWS_REGION": REGION})):
                pass


async def test_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import holystone.adapters.registries.ecr as package

    monkeypatch.setitem(sys.modules, "aiobotocore.session", None)
    monkeypatch.delitem(sys.modules, "holystone.adapters.registries.ecr.identity")
    monkeypatch.delattr(package, "identity")
    async with EcrEmulator() as served:
        with pytest.raises(UsageError, match=r"pip install 'holystone\[ecr\]'"):
            async with connected(served, tmp_path):
                pass


# Whose registry, and where


@pytest.mark.parametrize(
    ("host", "region", "kind", "at"),
    [
        ("dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1", "", "api.ecr.eu-west-1.amazonaws.com"),
        ("dkr.ecr-fips.us-east-1.amazonaws.com", "us-east-1", "fips", "ecr-fips.us-east-1.amazonaws.com"),
        ("dkr-ecr.eu-west-1.on.aws", "eu-west-1", "dual", "ecr.eu-west-1.api.aws"),
        ("dkr-ecr-fips.us-gov-west-1.on.aws", "us-gov-west-1", "fips dual", "ecr-fips.us-gov-west-1.api.aws"),
        ("dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1", "", "api.ecr.cn-north-1.amazonaws.com.cn"),
        (
            "dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
            "cn-north-1",
            "dual",
            "ecr.cn-north-1.api.amazonwebservices.com.cn",
        ),
        ("dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", "", "api.ecr.eusc-de-east-1.amazonaws.eu"),
        ("dkr.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1", "", "api.ecr.us-iso-east-1.c2s.ic.gov"),
    ],
)
def test_the_name_says_account_and_region_and_thereby_where_the_api_is(
    host: str, region: str, kind: str, at: str
) -> None:
    name = EcrName.of(RegistryHost.parse(f"123456789012.{host}"))
    assert name == EcrName("123456789012", region, "fips" in kind, "dual" in kind)
    found = endpoint(region, fips="fips" in kind, dual_stack="dual" in kind)
    assert found in (URL(f"https://{at}"), URL(f"https://api.{at}")), "botocore's rules give FIPS its `api.` since 1.41"


def test_names_that_say_nothing() -> None:
    for host in ("registry.example.com", "127.0.0.1:5000", "12345.dkr.ecr.eu-west-1.amazonaws.com"):
        assert EcrName.of(RegistryHost.parse(host)) is None


def test_an_endpoint_that_aws_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise EndpointResolutionError(msg="FIPS is enabled but this partition does not support FIPS")

    monkeypatch.setattr(EndpointProvider, "resolve_endpoint", refuse)
    with pytest.raises(UsageError, match="AWS_ENDPOINT_URL_ECR"):
        endpoint("us-east-1", fips=True, dual_stack=False)


async def test_account_and_region_of_the_name_win_over_the_profile(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        raw = push(served, "one", "v1")
        mine = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
        elsewhere = {"AWS_REGION": "us-east-1"}
        async with connected(served, tmp_path, host=mine, environ=elsewhere) as session:
            assert (await session.list_tags()).tags == {"v1": raw.digest}
            assert await session.read_manifests([raw.digest])
            assert await session.resolve(Tag("v1")) == raw.digest
            assert not (await session.probe()).forbidden
            assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        assert {fields["registryId"] for _, fields in served.calls} == {ACCOUNT}
        theirs = f"999988887777.dkr.ecr.{REGION}.amazonaws.com"
        async with connected(served, tmp_path, host=theirs) as session:
            assert not (await session.list_tags()).exists
        assert served.calls[-1][1]["registryId"] == "999988887777"


async def test_where_the_name_says_nothing_the_credential_s_own_account_is_meant(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        push(served, "one", "v1")
        await session.list_tags()
        assert "registryId" not in served.calls[-1][1]


async def test_the_api_s_address_by_aws_own_variables(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        raw = push(served, "one", "v1")
        for variable in ("AWS_ENDPOINT_URL_ECR", "AWS_ENDPOINT_URL"):
            environ = {"HOLYSTONE_REPO_API_URL": "", variable: f"{served.url}/"}
            async with connected(served, tmp_path, environ=environ) as session:
                assert (await session.list_tags()).tags == {"v1": raw.digest}
        environ = {"HOLYSTONE_REPO_API_URL": "", "AWS_ENDPOINT_URL": "here"}
        with pytest.raises(UsageError, match="AWS_ENDPOINT_URL is not the address"):
            async with connected(served, tmp_path, environ=environ):
                pass
        environ |= {"AWS_ENDPOINT_URL": served.url, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
        with pytest.raises(UsageError, match="no host of Amazon ECR"):
            async with connected(served, tmp_path, environ=environ):
                pass


# Later


async def test_throttling_is_waited_out(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        raw = push(served, "one", "v1", "v2")
        digest = Digest.of(images.config("one"))
        lanes = session._lanes
        for lane, ask, expected in (
            (lanes.lists, lambda: session.resolve(Tag("v1")), raw.digest),
            (lanes.manifests, lambda: session.read_manifests([raw.digest]), {raw.digest: raw}),
            (lanes.deletions, lambda: session.delete_tags([Tag("v1")]), [Deleted()]),
            (lanes.blobs, lambda: session.read_blob(digest), images.config("one")),  # its token
        ):
            served.throttle(1)
            assert await ask() == expected
            assert (lane.counts().throttled, served.throttled) == (1, 0)


async def test_a_token_is_fetched_while_the_host_is_paused_for_everybody_else(tmp_path: Path) -> None:
    """The one request that is let through then needs the token: it must not wait for a place of its own."""
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        push(served, "one", "v1")
        later = says({"__type": "ThrottlingException"}, 400, {"x-amz-retry-after": "30"})
        served.faults.add(to_api(later, times=1))
        with anyio.fail_after(5):
            digest = Digest.of(images.config("one"))
            assert await session.read_blob(digest) == images.config("one")
        assert session._lanes.blobs.counts().throttled == 1


async def test_throttling_without_end_is_no_empty_list_and_no_deletion(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path, attempts=2) as session:
        push(served, "one", "v1")
        served.throttle(1000)
        with pytest.raises(IncompleteSource, match="Rate exceeded"):
            await session.list_tags()
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Failed)
        assert present(served)[0] == {"v1"}


def reply(body: object, status: int = 400, headers: Mapping[str, str] = MappingProxyType({})) -> Reply:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = URL("http://127.0.0.1:1/")
    return Reply(status, CIMultiDictProxy(CIMultiDict(headers)), encoded, at, at)


@pytest.mark.parametrize(
    ("said", "expected", "after"),
    [
        (reply({"__type": "ThrottlingException", "message": "Rate exceeded"}), RateLimited, None),
        (reply({"__type": "a.b#TooManyRequestsException"}, headers={"x-amz-retry-after": "1500"}), RateLimited, 1.5),
        (reply({"__type": "ThrottlingException"}, headers={"x-amz-retry-after": "soon"}), RateLimited, None),
        (reply({"__type": "RequestTimeout"}), Transient, None),
        (reply({"__type": "LimitExceededException"}), type(None), None),
        (reply({"__type": "InvalidParameterException"}), type(None), None),
        (reply({"__type": "ThrottlingException"}, 200), type(None), None),
        (reply({"__type": 7}), type(None), None),
        (reply(b"\xff["), type(None), None),
        (reply(b"[" * 100_000), type(None), None),
    ],
)
def test_what_means_later(said: Reply, expected: type, after: float | None) -> None:
    verdict = classify(said)
    assert type(verdict) is expected
    assert getattr(verdict, "after", None) == after


@pytest.mark.parametrize(
    ("said", "code", "text"),
    [
        (reply({"__type": "com.amazonaws.ecr#KmsException", "Message": "m"}), "KmsException", "KmsException: m"),
        (reply({}, headers={"x-amzn-ErrorType": "ServerException:http://x/"}), "ServerException", "ServerException"),
        (reply({"__type": "", "message": "m"}, 418), None, None),
    ],
)
def test_codes_of_errors(said: Reply, code: str | None, text: str | None) -> None:
    error = error_of(said)
    assert (error.code if error else None, str(error) if error else None) == (code, text)


# Signing


class Counting:
    """A signer that numbers what it signs. The first ones are not good enough."""

    def __init__(self, refusals: int) -> None:
        self.signed: list[Outgoing] = []
        self.refusals = refusals

    async def sign(self, request: Outgoing) -> Authorization:
        self.signed.append(request)
        number = str(len(self.signed))
        return Authorization("Test", Secret(f"signature-{number}"), headers={"X-Number": number})

    async def refused(self, used: Authorization, reply: Reply) -> bool:
        self.refusals -= reply.status == 401
        return reply.status == 401 and self.refusals >= 0


@pytest.mark.parametrize(
    ("answers", "refusals", "status", "signatures"),
    [
        ([200], 0, 200, 1),
        ([503, 503, 200], 0, 200, 3),
        ([401, 200], 1, 200, 2),
        ([401, 401], 1, 401, 2),
        ([401], 0, 401, 1),
        ([503, 401, 200], 1, 200, 3),
    ],
)
async def test_every_attempt_is_signed_anew(answers: list[int], refusals: int, status: int, signatures: int) -> None:
    faults = tuple(
        Fault("POST", "/thing", Answer(each, b"signature-1 was refused"), nth=number)
        for number, each in enumerate(answers, 1)
    )
    signer = Counting(refusals)
    async with EmbeddedRegistry(faults=faults) as served:
        host = RegistryHost.parse(served.host)
        lane = Scheduler(Limits(attempts=4)).lane(host, "somebody", "api")
        async with RegistryHttp(host, Anonymous(), signer=signer) as http:
            answer = await http.request("POST", "/thing?a=b", lane=lane, limit=1000, body=b"body")
        assert answer.status == status
        sent = [each.authorization for each in served.requests]
        assert sent == [f"Test signature-{number}" for number in range(1, signatures + 1)]
    assert {(each.method, each.url.path_qs, each.body) for each in signer.signed} == {("POST", "/thing?a=b", b"body")}
    if status == 401 and signatures == 1:
        assert redacted(answer.body.decode()) == "*** was refused"


# The emulator against AWS's own model


@cache
def model() -> ServiceModel:
    return ServiceModel(botocore.loaders.create_loader().load_service_model("ecr", "service-2"))


NEWER = {"imageStatus", "subjectManifestDigest"}
"""Members that came after the model that can be had here."""


def older(value: Any) -> Any:
    """Also without empty lists: the model forbids them to requests, and uses the same shapes for answers."""
    if isinstance(value, dict):
        return {key: older(each) for key, each in value.items() if key not in NEWER and each != []}
    return [older(each) for each in value] if isinstance(value, list) else value


def assert_fits(value: Any, shape: Any) -> None:
    report = botocore.validate.ParamValidator().validate(older(value), shape)
    assert not report.has_errors(), report.generate_report()


async def test_requests_and_answers_are_as_aws_model_says(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        answers: list[tuple[str, dict[str, Any]]] = []

        def noted(operation: str) -> None:
            handler = getattr(served, operation)

            def note(fields: dict[str, Any]) -> dict[str, Any]:
                answer: dict[str, Any] = handler(fields)
                answers.append((served.calls[-1][0], json.loads(json.dumps(answer))))
                return answer

            setattr(served, operation, note)

        for name in ("describe_images", "describe_repositories", "batch_get", "batch_delete", "authorization_token"):
            noted(f"_{name}")
        one = push(served, "one", "v1", "v2")
        store(served, images.index(one), "multi")
        push(served, "signature", subject=one)
        name = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
        async with connected(served, tmp_path, host=name) as session:
            await session.list_tags()
            await session.resolve(Tag("v1"))
            await session.read_manifests([one.digest, ABSENT])
            await session.probe()
            await session.delete_manifests([one.digest])
            await session.delete_tags([Tag("v2"), Tag("v3")])
        async with connected(served, tmp_path) as session:
            await session.read_blob(Digest.of(images.config("one")))
        served.calls.append(("DescribeImages", {"repositoryName": PATH, "maxResults": 1}))
        assert served._describe_images(served.calls[-1][1])["nextToken"]
    operations = {operation for operation, _ in answers}
    assert len(operations) == 5
    for operation, fields in served.calls:
        assert_fits(fields, model().operation_model(operation).input_shape)
    for operation, answer in answers:
        assert_fits(answer, model().operation_model(operation).output_shape)
    codes = {failure["failureCode"] for _, answer in answers for failure in answer.get("failures", ())}
    assert {"ImageNotFound", "ImageReferencedByManifestList"} <= codes
    known = model().shape_for("ImageFailureCode").metadata["enum"]
    assert codes <= set(known)


def test_the_model_notices_what_does_not_fit() -> None:
    shape = model().operation_model("DescribeImages").output_shape
    with pytest.raises(AssertionError, match="imageDigests"):
        assert_fits({"imageDetails": [{"imageDigests": "sha256:0"}]}, shape)
    with pytest.raises(AssertionError):
        assert_fits({"imageDetails": [{"imageTags": "v1"}]}, shape)


async def test_the_emulator_refuses_another_clock_and_another_region(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        push(served, "one", "v1")
        await session.list_tags()
        served.wall = lambda: 0.0
        with pytest.raises(Unauthorized, match="clock of this computer"):
            await session.list_tags()
    async with (
        EcrEmulator() as served,
        connected(served, tmp_path, environ={"AWS_REGION": "us-east-1"}) as session,
    ):
        with pytest.raises(Unauthorized, match="not us-east-1"):
            await session.list_tags()
