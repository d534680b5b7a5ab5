"""Amazon ECR: what is listed and read, whatever its replies look like."""

from pathlib import Path

import pytest

from holystone.embedded.faults import Answer, Fault, Truncate
from holystone.engine.errors import IncompleteSource, Unauthorized, Unreachable
from holystone.engine.model.inventory import Pulls
from holystone.engine.model.outcomes import AlreadyGone
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import Wanted
from tests.emulators.ecr import EcrEmulator
from tests.registries.ecr.connected import ABSENT, PATH, asked, connected, push, says, store, to_api
from tests.support import images

DAY = 24 * 3600

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
        assert listing.archived == {first.digest, both.digest, third.digest}
        # Described well enough not to be read, since it cannot be; an index has children that nobody tells.
        assert listing.manifests.keys() == {first.digest, third.digest}
        assert await session.resolve(Tag("v1")) == first.digest
        assert await session.read_manifests([first.digest, both.digest, child.digest]) == {child.digest: child}


async def test_images_without_a_tag_are_told_where_they_are_wanted_but_for_archived_ones(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        shared, child, loose, put_aside = (push(served, text) for text in ("one", "child", "loose", "put aside"))
        store(served, shared, "v1")
        index = store(served, images.index(child))
        served.status[put_aside.digest] = "ARCHIVED"
        listing = await session.list_tags(Wanted(loose=True))
        assert (await session.list_tags()).loose is None
    assert set(listing.loose or ()) == {child.digest, loose.digest, index.digest}


async def test_what_an_archived_index_lists_is_not_told_and_so_it_may_be_anything(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        child = push(served, "child")
        index = store(served, images.index(child), "multi")
        assert (await session.list_tags(Wanted(loose=True))).loose == (child.digest,)
        served.status[index.digest] = "ARCHIVED"
        assert (await session.list_tags(Wanted(loose=True))).loose is None


async def test_pulls_and_restores_are_told_where_they_are_wanted(tmp_path: Path) -> None:
    """The last pull may be a day after the one that ECR recorded."""
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        child = push(served, "child")
        store(served, images.index(child), "multi")
        shared, never = push(served, "one", "v1", "latest"), push(served, "never", "v2")
        restored = push(served, "restored", "v3")
        served.pulled = {child.digest: 1_700_000_000.5, shared.digest: 1_700_100_000.25}
        served.restored = {restored.digest: 1_700_200_000.0}
        listing = await session.list_tags(Wanted(pulls=True))
        asked_for = len(asked(served, "DescribeImages"))
        plain = await session.list_tags()
    assert listing.pulls == Pulls(
        manifests={child.digest: 1_700_000_000 + DAY, shared.digest: 1_700_100_000 + DAY},
        restored={restored.digest: 1_700_200_000},
    )
    assert never.digest not in listing.pulls.manifests
    assert asked_for == 1
    assert plain.pulls is None


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
