"""Which manifest brings which others with it, read out of one snapshot, and with that everything that some tags hold.
It is told by what a manifest says, and by tags that stand for a relation between manifests instead of a name that
somebody chose.

OCI distribution specification 1.1, "Referrers tag schema": `<algorithm>-<hex, cut to 64>` lists the referrers of a
manifest. sigstore/cosign, specs/SIGNATURE_SPEC.md: the same with `.sig`, `.att` or `.sbom` is a signature of it.
"""

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeVar

from holystone.engine.model.delete_reasons import LooseReason
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.reasons import ChildOf, IndexOf, ManifestReason, ReferrerOf, SubjectOf, Tagged
from holystone.engine.model.references import Digest, Tag

R = TypeVar("R", ManifestReason, LooseReason)
_ATTACHED: Final = re.compile(r"((?:sha256|sha512)-[0-9a-f]{64})(?:\.(?:sig|att|sbom))?")


@dataclass(frozen=True, slots=True)
class Graph:
    tags: Mapping[Tag, Digest]
    children: Mapping[Digest, tuple[Digest, ...]]
    """Of every manifest in the snapshot; a child may be missing from it."""
    blobs: Mapping[Digest, tuple[Digest, ...]]
    """What indexes list that says to be no manifest."""
    indexes: Mapping[Digest, tuple[Digest, ...]]
    """The inverse of `children`."""
    referrers: Mapping[Digest, tuple[Digest, ...]]
    """By subject, which may be missing from the snapshot."""
    subjects: Mapping[Tag, Digest | None]
    """Of the attached tags; None where the subject is not in the snapshot."""
    attached: Mapping[Digest, tuple[Tag, ...]]
    """The inverse of `subjects`."""
    refers_to: Mapping[Digest, Digest]
    """From a referrer to its subject."""

    def holds(self, digest: Digest, *, subject: bool) -> Iterator[tuple[Digest, ManifestReason]]:
        """What must not go as long as this manifest stays. The one place that says so, for the closure and for the look
        right before a deletion. `subject`: what it refers to is among it."""
        child_of = ChildOf(digest)
        for child in (*self.children.get(digest, ()), *self.blobs.get(digest, ())):
            yield child, child_of
        for referrer in self.referrers.get(digest, ()):
            yield referrer, ReferrerOf(digest)
        for tag in self.attached.get(digest, ()):
            yield self.tags[tag], Tagged(tag)
        if subject and digest in self.refers_to:
            yield self.refers_to[digest], SubjectOf(digest)

    def takers(
        self, held: Container[Digest], tagged: Container[Digest], going: Container[Digest]
    ) -> dict[Digest, IndexOf]:
        """Indexes that go and would take along what is held, where a registry does that: what has no tag that stays
        (`tagged` have one), and is in no index that stays."""
        return {
            index: IndexOf(child)
            for child, indexes in sorted(self.indexes.items())
            if child in held and child not in tagged and all(index in going for index in indexes)
            for index in indexes
        }


def graph_of(snapshot: RepositorySnapshot) -> Graph:
    referrers: dict[Digest, list[Digest]] = defaultdict(list)
    indexes: dict[Digest, list[Digest]] = defaultdict(list)
    for digest, manifest in sorted(snapshot.manifests.items()):
        if manifest.subject is not None:
            referrers[manifest.subject].append(digest)
        for child in manifest.children:
            indexes[child].append(digest)
    subjects = attached_tags(snapshot)
    attached: dict[Digest, list[Tag]] = defaultdict(list)
    for tag, subject in sorted(subjects.items()):
        if subject is not None:
            attached[subject].append(tag)
    return Graph(
        tags=snapshot.tags,
        children={digest: manifest.children for digest, manifest in snapshot.manifests.items()},
        blobs={digest: manifest.blobs for digest, manifest in snapshot.manifests.items() if manifest.blobs},
        indexes={child: tuple(found) for child, found in indexes.items()},
        referrers={subject: tuple(found) for subject, found in referrers.items()},
        subjects=subjects,
        attached={subject: tuple(found) for subject, found in attached.items()},
        refers_to={subject.digest: subject.subject for subject in snapshot.manifests.values() if subject.subject},
    )


def reach(
    graph: Graph,
    roots: Iterable[Tag],
    more: Mapping[Digest, R] = MappingProxyType({}),
    *,
    subjects: bool = False,
) -> dict[Digest, ManifestReason | R]:
    """What the roots hold, each manifest with the reason: the one fixpoint behind both what is kept and what may be
    doomed. `more`: manifests that are held for another reason than a tag; `subjects`: a manifest holds its subject too.

    Goes round by round in sorted order, so that each manifest gets the same reason (one of the nearest) however the
    snapshot is ordered. Visits every manifest once, so that cycles end."""
    found: dict[Digest, ManifestReason | R] = {}
    for tag in sorted(roots):
        found.setdefault(graph.tags[tag], Tagged(tag))
    for digest in sorted(more):
        found.setdefault(digest, more[digest])
    frontier = sorted(found)
    while frontier:
        new: dict[Digest, ManifestReason] = {}
        for digest in frontier:
            for held, because in graph.holds(digest, subject=subjects):
                if held not in found:
                    new.setdefault(held, because)
        found |= new
        frontier = sorted(new)
    return found


def attached_tags(snapshot: RepositorySnapshot) -> dict[Tag, Digest | None]:
    """Attached tags that were read, each with the manifest it belongs to, or None if the snapshot has no such
    manifest."""
    read = {tag: digest for tag, digest in snapshot.tags.items() if tag not in snapshot.broken}
    return subjects_by_name(read, snapshot.manifests.keys())


def subjects_by_name(tags: Mapping[Tag, Digest], manifests: Set[Digest]) -> dict[Tag, Digest | None]:
    """Attached tags on one of the manifests, each with the manifest it belongs to, or None if that is not among them.

    64 hex digits name one manifest even where they are half of a SHA-512: two contents cannot be made to share them.
    """
    named = {f"{digest.algorithm}-{digest.hex[:64]}": digest for digest in manifests}
    return {
        tag: named.get(match[1])
        for tag, digest in tags.items()
        if (match := _ATTACHED.fullmatch(tag)) and digest in manifests
    }


def is_attached_name(tag: str) -> bool:
    """Whether nobody chose the name."""
    return bool(_ATTACHED.fullmatch(tag))


def names_its_subject(tag: str) -> bool:
    """Whether it is a signature's or the like, which seldom changes: a list of referrers does with each of them."""
    return is_attached_name(tag) and tag.endswith((".sig", ".att", ".sbom"))
