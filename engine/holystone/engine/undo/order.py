"""In which order manifests come back, and tags onto them: told by the manifests themselves, never by the order in which
they went."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from holystone.engine.closure.components import components
from holystone.engine.model.manifests import Manifest
from holystone.engine.model.references import Digest

Levels: TypeAlias = tuple[tuple[Digest, ...], ...]


def parts(manifest: Manifest | None) -> tuple[Digest, ...]:
    """Manifests that must be there before this one: what it lists, which no server does without, and its subject, which
    distribution needs not and GitLab 4, Harbor and Cloudflare's serverless-registry do. Empty for bytes that cannot be
    understood."""
    subject = (manifest.subject,) if manifest and manifest.subject else ()
    return (*children(manifest), *subject)


def children(manifest: Manifest | None) -> tuple[Digest, ...]:
    """What an index lists."""
    return manifest.children if manifest else ()


def levels(manifests: Mapping[Digest, Manifest | None]) -> Levels:
    """Each level needs only those before it. Inside a circle, which no honest bytes make, there is no order."""
    after: dict[Digest, list[Digest]] = {digest: [] for digest in sorted(manifests)}
    for digest in after:
        for part in parts(manifests[digest]):
            if part in after:
                after[part].append(digest)
    first: dict[Digest, int] = defaultdict(int)
    for circle in components(after, after):
        level = max(first[digest] for digest in circle)
        for digest in circle:
            first[digest] = level
        for other in _beyond(circle, after):
            first[other] = max(first[other], level + 1)
    found: dict[int, list[Digest]] = defaultdict(list)
    for digest in after:
        found[first[digest]].append(digest)
    return tuple(tuple(found[level]) for level in sorted(found))


def _beyond(circle: Collection[Digest], after: Mapping[Digest, Iterable[Digest]]) -> set[Digest]:
    return {other for digest in circle for other in after[digest]} - set(circle)
