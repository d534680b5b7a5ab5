"""A tag that was on a sha512 digest comes back on it, or it is said that it did not."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from holystone.embedded.quirks import OCI
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest, Tag
from holystone.engine.undo import UndoResult
from holystone.engine.undo.results import AlreadyThere, OtherDigest, Restored
from tests.contract.stands import Stand, stand
from tests.support import images
from tests.support.command_line import hasty


@asynccontextmanager
async def cleaned(folder: Path) -> AsyncIterator[tuple[Stand, Digest]]:
    """The default adapter, a registry with an image and an index on sha512, all of which are gone."""
    with hasty():
        async with stand("default", folder) as served:
            emulator = served.emulator
            assert emulator is not None
            emulator.quirks = OCI
            kept = await served.image("kept", "kept")
            await served.image("old")
            raw = images.image(images.config("old"))
            stored = emulator.storage.put_manifest(served.path, raw.body, raw.media_type, "old", algorithm="sha512")
            assert kept.digest != stored.digest
            emulator.storage.put_manifest(served.path, raw.body, raw.media_type, "old-too", algorithm="sha512")
            plan, result = await served.clean({"old", "old-too"})
            assert not result.incomplete
            assert plan.repositories[0].passes
            yield served, stored.digest


def outcomes(result: UndoResult) -> dict[str, object]:
    return {each.tag: each.outcome for each in result.put_back if each.tag}


@pytest.mark.parametrize("way", ["tag-parameter", "digest-parameter"])
async def test_a_tag_on_sha512_comes_back_on_sha512(tmp_path: Path, way: str) -> None:
    async with cleaned(tmp_path) as (served, digest):
        assert served.emulator is not None
        served.emulator.quirks = msgspec.structs.replace(OCI, sha512=way)
        result = await served.undo()
        assert result.lost == ()
        assert outcomes(result) == {"old": Restored(), "old-too": Restored()}
        tags, manifests = await served.state()
        assert tags["old"] == tags["old-too"] == digest
        assert digest in manifests
        again = await served.undo()
        assert {type(each.outcome) for each in again.put_back} == {AlreadyThere}


async def test_where_the_server_chooses_the_digest_it_is_said(tmp_path: Path) -> None:
    async with cleaned(tmp_path) as (served, digest):
        assert served.emulator is not None
        served.emulator.quirks = msgspec.structs.replace(OCI, sha512="untagged")
        result = await served.undo()
        tags, _ = await served.state()
        assert digest.algorithm == "sha512"
        assert tags["old"].startswith("sha256:")
        assert outcomes(result)["old"] == OtherDigest(Digest(tags["old"]))
        assert len(result.lost) == 2


async def test_where_no_manifest_may_have_such_a_digest_it_is_refused_with_a_word(tmp_path: Path) -> None:
    async with cleaned(tmp_path) as (served, _):
        assert served.emulator is not None
        served.emulator.quirks = msgspec.structs.replace(OCI, sha512="no")
        result = await served.undo()
        assert (result.incomplete, len(result.lost)) == (True, 3)
        assert all("DIGEST_INVALID" in str(each.outcome) for each in result.lost)
        tags, _ = await served.state()
        assert tags.keys() == {"kept"}


async def on_sha512(served: Stand, raw: RawManifest, *tags: str) -> RawManifest:
    digest = Digest(f"sha512:{hashlib.sha512(raw.body).hexdigest()}")
    named = RawManifest(digest, raw.media_type, raw.body)
    for tag in tags:
        await served.session.push_manifest(Tag(tag), named)
    return named


@pytest.mark.slow
@pytest.mark.parametrize("server", ["olareg", "zot-minimal"])
async def test_on_real_servers_that_know_sha512(tmp_path: Path, server: str) -> None:
    with hasty():
        async with stand(server, tmp_path) as served:
            await served.image("kept", "kept")
            await served.image("old", "by-sha256")
            raw = images.image(images.config("old"), oci=True)
            named = await on_sha512(served, raw, "old", "older")
            before = await served.state(named.digest)
            assert before[0]["old"] == named.digest
            _, result = await served.clean({"old", "older"})
            assert not result.incomplete
            assert (await served.undo()).lost == ()
            assert await served.state(named.digest) == before
