"""Amazon ECR: deletions, and what is known of rights before the first of them."""

from pathlib import Path

import pytest

from holystone.adapters.registries.ecr.profile import PROFILE
from holystone.embedded.faults import Answer, Fault
from holystone.engine.model.capabilities import DigestDeletion
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Referenced
from holystone.engine.model.references import Digest, Tag
from tests.emulators.ecr import ACCOUNT, EcrEmulator
from tests.registries.ecr.connected import ABSENT, asked, connected, present, push, says, store, to_api
from tests.support import images

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
            assert not served.pulled
            await session.read_manifests([raw.digest])
            assert served.pulled.keys() == {raw.digest}
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
