"""Amazon ECR: replies that mean later, and errors by their codes."""

from pathlib import Path

import anyio
import pytest

from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.ecr.errors import classify, error_of
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.outcomes import Deleted, Failed
from holystone.engine.model.references import Digest, Tag
from holystone.engine.scheduler import RateLimited, Transient
from tests.emulators.ecr import EcrEmulator
from tests.registries.ecr.connected import connected, present, push, reply, says, to_api
from tests.support import images


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
