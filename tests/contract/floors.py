"""How many requests a cleanup makes, counted by the emulators, and how few it could make."""

import math
from dataclasses import dataclass
from pathlib import Path

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.embedded.recording import RecordedRequest
from holystone.engine.executor.looks import FEW, SAMPLE
from tests.contract.stands import EMULATORS, Stand, stand
from tests.support.command_line import hasty


@dataclass(frozen=True, slots=True)
class Floor:
    """For `tags` single-architecture images of which `doomed` go, each with one tag and a digest of its own, whose
    labels and parents a policy needs."""

    bare: int
    """List once, read what is not known, delete."""
    promised: int
    """And what the promises ask for: the bytes of what goes for the journal, a look at the tags right before the
    deletion, a look at a sample of what stays after it, and the question whether the credential may delete."""


def floor(name: str, page: int | None, bulk: int, tags: int, doomed: int, *, warm: bool) -> Floor:
    listing, left = _pages(tags, page), _pages(tags - doomed, page)
    unknown = 0 if warm else tags
    reading, looks, journal = 2 * unknown, listing + left, 0  # a manifest, then its configuration; two more listings
    deleting = math.ceil(doomed / bulk)
    match name:
        case "ecr":  # manifests by the hundred
            reading = math.ceil(unknown / 100) + unknown
        case "gitlab":  # the listing names the configuration, so only what goes is read, for the journal
            reading, journal = unknown, doomed
        case "gcr":  # a manifest that has a tag is refused, so tag and manifest are a request each
            deleting = 2 * doomed
        case "default":  # no listing says where tags point: HEAD in the listing and in each look, tag and manifest
            listing, deleting = listing + tags, 2 * doomed
            looks = _pages(tags, page) + left + doomed + (tags - doomed) + _sample(tags - doomed)
    bare = listing + reading + deleting
    return Floor(bare, bare + journal + looks + QUESTIONS[name])


QUESTIONS = dict.fromkeys(EMULATORS, 2)
"""Requests that find out rights and rules."""


def _sample(items: int) -> int:
    return items if items <= FEW else SAMPLE


def _pages(items: int, page: int | None) -> int:
    return max(1, math.ceil(items / page)) if page else 1


@dataclass(frozen=True, slots=True)
class Counted:
    cold: int
    warm: int


async def count(name: str, folder: Path, tags: int, doomed: int) -> Counted:
    """Of the requests that are no token's: a run on a full repository with nothing known, and the same with
    everything known from a plan the night before. The registry is named to it: where it is not, and its host's name
    tells nothing, there is one request more in each run."""
    with hasty():
        cold = await _run(name, folder, tags, doomed, warm=False)
        warm = await _run(name, folder, tags, doomed, warm=True)
    return Counted(cold, warm)


async def _run(name: str, folder: Path, tags: int, doomed: int, *, warm: bool) -> int:
    async with stand(name, folder) as served:
        await _fill(served, tags)
        gone = {f"v{number}" for number in range(doomed)}
        cache = SqliteDigestCache(None)
        assert served.emulator is not None
        if warm:
            await served.plan(gone, cache, labels=True)
        served.emulator.recording.clear()
        _, plan = await served.plan(gone, cache, labels=True)
        result = await served.apply(plan, cache)
        if result.incomplete or result.losses:
            raise RuntimeError(f"{name}: the plan was not carried out: {result}")
        there, _ = await served.state()
        if len(there) != tags - doomed:
            raise RuntimeError(f"{name}: {len(there)} tags are left")
        return sum(not _is_token(each) for each in served.emulator.requests)


async def _fill(served: Stand, tags: int) -> None:
    for number in range(tags):
        await served.image(str(number), f"v{number}")


def _is_token(request: RecordedRequest) -> bool:
    """Or a redirect to where blobs are stored: the request there is the one that counts."""
    path = request.path.partition("?")[0]
    tokens = ("/token", "/exchange", "/jwt/auth", "/v2/auth", "/auth/token", "GetAuthorizationToken")
    return request.status in (302, 303, 307, 401) or path.endswith(tokens)
