"""Quay's emulator does as Quay does."""

from pathlib import Path

import pytest

from holystone.engine.errors import BlobsMissing
from holystone.engine.model.references import Tag
from tests.emulators.quay import QuayEmulator
from tests.registries.quay.connected import PATH, Door, connected, put, tags_of
from tests.support import images


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_the_last_tag_takes_the_tags_of_cosign_along_and_immutable_ones_stay(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        image = put(quay, "v1", "v2")
        names = {f"sha256-{image.hex}{suffix}" for suffix in (".sig", ".att", ".sbom")}
        put(quay, *names, f"sha256-{image.hex}", text="signature")
        quay.lock(PATH, f"sha256-{image.hex}.att")
        await session.delete_tags([Tag("v1")])
        assert tags_of(quay).keys() == {"v2", f"sha256-{image.hex}", *names}
        await session.delete_tags([Tag("v2")])
        assert tags_of(quay).keys() == {f"sha256-{image.hex}", f"sha256-{image.hex}.att"}
    async with QuayEmulator(cascades=False) as quay, connected(tmp_path, quay) as session:
        image = put(quay, "v1")
        put(quay, f"sha256-{image.hex}.sig", text="signature")
        await session.delete_tags([Tag("v1")])
        assert tags_of(quay).keys() == {f"sha256-{image.hex}.sig"}


async def test_a_referrer_lives_by_the_way_it_was_pushed(tmp_path: Path) -> None:
    async with QuayEmulator() as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        config = images.config("one")
        subject = images.image(config)
        by_tag = images.image(images.config("by tag"), subject=subject)
        by_digest = images.image(images.config("by digest"), subject=subject)
        for text in ("by tag", "by digest"):
            await session.push_blob(images.config(text))
        await session.push_manifest(Tag("sbom"), by_tag)
        await session.push_manifest(by_digest.digest, by_digest)
        await session.push_manifest(Tag("signature"), by_digest)
        await session.delete_tags([Tag("sbom"), Tag("signature")])
        assert await session.resolve(by_tag.digest) is None
        assert await session.resolve(by_digest.digest) == by_digest.digest


async def test_what_a_pushed_manifest_lacks_is_quays_own_word(tmp_path: Path) -> None:
    async with QuayEmulator() as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        for missing in (
            images.image(images.config("never pushed")),
            images.index(images.image(images.config("nor this"))),
        ):
            with pytest.raises(BlobsMissing, match="MANIFEST_INVALID"):
                await session.push_manifest(Tag("v2"), missing)
