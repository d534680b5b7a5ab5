"""Names as registries list them. One that is no tag is a fact about that name, and no reason to doubt the list."""

from collections.abc import Iterable
from typing import Final

import msgspec

from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import Digest, InvalidName, Tag
from holystone.engine.ports import Listing

_LONGEST: Final = 4096
"""Characters of what stands for nothing that a tag is: a name of a folder has 255 at most, and what is asked for by a
longer name is in no line that a server reads."""


def digest_or_none(text: str | None) -> Digest | None:
    """What is no digest says nothing: the tag is looked up."""
    try:
        return Digest.parse(text) if text else None
    except InvalidName:
        return None


def tag_or_none(text: str) -> Tag | None:
    try:
        return Tag.parse(text)
    except InvalidName:
        return None


class ListedNames:
    """The names of a list, apart by whether they are tags. None is a digest as a name, one that is too long, or a
    folder in the registry's storage that somebody made: seen in the list of distribution 2.8, which asks nobody before
    it names what is there."""

    def __init__(self) -> None:
        self.tags: dict[Tag, Digest | None] = {}
        self.odd: dict[str, Digest | None] = {}

    def __repr__(self) -> str:
        return f"<ListedNames {len(self.tags)} tags, {len(self.odd)} odd names>"

    def add(self, name: str, digest: Digest | None = None) -> Tag | None:
        """The tag, unless the name is none. A digest as a name stands for its manifest. Raises IncompleteSource for one
        that cannot be asked for."""
        try:
            tag = Tag.parse(name)
        except InvalidName:
            if len(name) > _LONGEST:
                raise IncompleteSource(
                    f"A list of tags has a name of {len(name):,} characters, and no registry knows what that is.",
                    what_to_do="A proxy on the way may have answered instead of the registry.",
                ) from None
            self.odd[name] = digest or digest_or_none(name)
            return None
        self.tags[tag] = digest
        return tag

    def add_all(self, names: Iterable[str]) -> None:
        for name in names:
            self.add(name)

    def listing(self) -> Listing:
        return Listing(self.tags, odd=self.odd)


def with_odd(listing: Listing, found: dict[str, Digest | None]) -> Listing:
    return msgspec.structs.replace(listing, odd={**listing.odd, **found})
