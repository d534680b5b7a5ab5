"""Google's own tags/list: with every manifest, tagged or not, its size and its times.

Source: google/go-containerregistry:pkg/v1/google/list.go. Numbers are strings there.
"""

from dataclasses import dataclass, field
from typing import Final

import msgspec

from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.gcr.profile import LONGEST
from holystone.adapters.registries.listed import ListedNames
from holystone.adapters.registries.oci_replies import STRANGE
from holystone.adapters.registries.page import decoded_page
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.manifests import DOCKER_LIST, DOCKER_MANIFEST, DOCKER_SCHEMA1, INDEX_TYPES
from holystone.engine.model.references import Digest, InvalidName, Repository, Tag

_CANNOT_REFER: Final = frozenset({DOCKER_MANIFEST, DOCKER_LIST, DOCKER_SCHEMA1})
"""Docker's manifests have no `subject` (OCI image specification 1.1, manifest.md)."""


@dataclass(frozen=True, slots=True)
class Row:
    media_type: str
    """Empty if it is not said."""
    pushed: int
    """Unix seconds; 0 if it is not said. `timeUploadedMs`, as in go-containerregistry's ManifestInfo.Uploaded;
    `timeCreatedMs` is the build's. Of tags nothing is said."""


@dataclass(frozen=True, slots=True)
class Rows:
    tags: dict[Tag, Digest | None] = field(default_factory=dict)
    manifests: dict[Digest, Row] = field(default_factory=dict)
    cut_short: bool = False
    """There may be more than this."""
    odd: dict[str, Digest | None] = field(default_factory=dict)
    """Names that are no tags."""

    @property
    def may_refer(self) -> tuple[Digest, ...]:
        """Manifests without a tag that can have a subject."""
        tagged = set(self.tags.values())
        return tuple(
            digest
            for digest, row in self.manifests.items()
            if digest not in tagged and row.media_type not in _CANNOT_REFER
        )

    @property
    def loose(self) -> tuple[Digest, ...]:
        """All manifests without a tag."""
        named = {*self.tags.values(), *self.odd.values()}
        return tuple(digest for digest in self.manifests if digest not in named)

    @property
    def indexes(self) -> tuple[Digest, ...]:
        """The indexes without a tag."""
        tagged = set(self.tags.values())
        return tuple(
            digest for digest, row in self.manifests.items() if digest not in tagged and row.media_type in INDEX_TYPES
        )

    @property
    def pushed(self) -> dict[Digest, int]:
        return {digest: row.pushed for digest, row in self.manifests.items() if row.pushed}


class _Manifest(msgspec.Struct):
    tag: list[str] | None = None
    mediaType: str = ""
    timeUploadedMs: str | int = 0


class _TagList(msgspec.Struct):
    manifest: dict[str, _Manifest]
    tags: list[str] | None = None


def read_rows(repository: Repository, reply: Reply, longest: int = LONGEST) -> Rows:
    """Raises IncompleteSource for what is not such a list: cut in the middle, a proxy's page, or another registry's."""
    try:
        wire = decoded_page(reply.body, _TagList)
        manifests = {
            Digest.parse(digest): Row(row.mediaType, max(0, int(row.timeUploadedMs) // 1000))
            for digest, row in wire.manifest.items()
        }
        listed = ListedNames()
        listed.add_all(wire.tags or ())
        for digest, row in wire.manifest.items():
            for tag in row.tag or ():
                if listed.tags.get(Tag(tag)):
                    raise IncompleteSource(
                        f"The tags of {repository} cannot be read: {tag} is said to be on two manifests.",
                        what_to_do="Run again; it was probably moved while the list was made.",
                    )
                listed.add(tag, Digest(digest))
    except (msgspec.MsgspecError, InvalidName, ValueError, RecursionError) as error:
        raise IncompleteSource(
            f"The tags of {repository} cannot be read: the answer is not Google's tag list ({error}).",
            what_to_do=STRANGE,
        ) from error
    # A tag whose manifest is not shown: the list of manifests was cut.
    tags, unknown = listed.tags, None in {*listed.tags.values(), *listed.odd.values()}
    cut_short = max(len(tags), len(manifests)) >= longest or "Link" in reply.headers or unknown
    return Rows(tags, manifests, cut_short, listed.odd)
