"""What of a plain world belongs to which image, by its labels and names alone."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tests.support.plain_world import HOST, Image, World


class Mine(NamedTuple):
    """A tag that belongs to an image of the project."""

    image: str
    repository: str
    tag: str
    about: Image

    @property
    def signature(self) -> str | None:
        return self.about.labels.get("werf-content-signature")

    @property
    def strategy(self) -> str | None:
        return self.about.labels.get("werf-tag-strategy")


class Record(NamedTuple):
    tag: str
    image: str
    commit: str
    signature: str | None


def image_names(world: World) -> set[str]:
    """ "Names of images are those of werf.yaml and those of the managed-image records." """
    storage = world.contents.get(world.storage, {})
    managed = {tag.removeprefix("managed-image-") for tag in storage if tag.startswith("managed-image-")}
    return set(world.configured) | {"" if name == "__nameless__" else name for name in managed}


def tags_of(world: World, name: str) -> Iterable[Mine]:
    """ "A tag belongs to an image if its configuration has the label werf-image=true and, where several images share a
    repository, werf-image-name is exactly the name." """
    repository = world.repository(name)
    for tag, about in world.contents.get(repository, {}).items():
        if about is None or about.labels.get("werf-image") != "true":
            continue
        prefix = f"{name}-" if name else ""
        is_named = about.labels.get("werf-image-name") == name and tag.startswith(prefix)
        if world.mode == "multirepo" or is_named:
            yield Mine(name, repository, tag, about)


def records_of(storage: Mapping[str, Image | None]) -> Iterable[Record]:
    """ "A metadata record says: image I had signature S at commit C." """
    for tag, about in storage.items():
        if found := re.fullmatch("image-metadata-by-commit-(.+)-([0-9a-f]{40})", tag):
            name = "" if found[1] == "__nameless__" else found[1]
            yield Record(tag, name, found[2], about.labels.get("ContentSignature") if about else None)


def in_use(world: World, each: Mine) -> bool:
    """By name, or by the digest of the manifest or of the configuration, wherever that was pulled from."""
    name = f"{HOST}/{each.repository}:{each.tag}"
    digests = (each.about.manifest, each.about.config)
    return any(used == name or used.partition("@")[2] in digests or used in digests for used in world.used)
