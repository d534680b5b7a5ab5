"""What retention rules see of a repository, out of what was read of it and what earlier runs have seen. Pure.

Times. A listing says when a tag was put where it is, or when its manifest was pushed; the later counts. Where it says
neither, the image's build is the earliest that a push can have been. All of these but the first stay as they are when
an old image gets a new tag: so a tag counts from the first run that saw it, if a run after that moment had looked and
not seen it.
"""

import re
from collections.abc import Iterator, Set
from typing import Final

from holystone.engine.closure.graph import Graph, attached_tags, graph_of, is_attached_name
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import parts
from holystone.engine.model.references import Digest, InvalidName, Tag
from holystone.engine.model.sightings import Seen, Sight, Sightings
from holystone.policies.retention.candidates import AttachedTag, Candidate, Candidates, LooseManifest, Moment
from holystone.policies.retention.moments import sane
from holystone.workflows.candidate_facts import ImageFacts
from holystone.workflows.tombstones import tombstones

_SHA256: Final = re.compile(r"sha256-([0-9a-f]{64})(?:\.[a-z]+)?")


def find_candidates(
    snapshot: RepositorySnapshot,
    now: int,
    sightings: Sightings,
    absent: Set[Digest] = frozenset(),
    used: Set[Digest] = frozenset(),
) -> Candidates:
    """`now`: Unix seconds. `sightings`: of what `sights` names. `absent`: of `missing_subjects`, those that the
    registry was asked for and has not; any other counts as there. `used`: manifests and configurations by which
    something runs: a manifest without a tag is nobody's candidate as long as one of them is behind it."""
    facts = ImageFacts(snapshot, now)
    attached = attached_tags(snapshot)
    return Candidates(
        repository=snapshot.repository,
        tags=tuple(_candidate(snapshot, tag, facts, sightings, now) for tag in _judged(snapshot)),
        attached=tuple(
            AttachedTag(
                tag=tag,
                digest=snapshot.tags[tag],
                subject=subject,
                subject_is_there=subject not in absent,
                found=_found(snapshot, Sight("orphan", snapshot.tags[tag], tag), sightings),
            )
            for tag, known in sorted(attached.items())
            if (subject := known or _subject(tag))
        ),
        loose=tuple(
            LooseManifest(
                digest=digest,
                found=_found(snapshot, Sight("loose", digest), sightings),
                subject=snapshot.manifests[digest].subject,
            )
            for digest in loose_manifests(snapshot, absent)
            if used.isdisjoint(_behind(snapshot, digest))
        ),
        tells_pulls=snapshot.pulls is not None,
    )


def missing_subjects(snapshot: RepositorySnapshot) -> frozenset[Digest]:
    """What something is attached to, and was not read: most registries do not list what has no tag, so that whether it
    is there has to be asked."""
    named = {_subject(tag) for tag, known in attached_tags(snapshot).items() if known is None}
    read = (snapshot.manifests.get(digest) for digest in snapshot.loose or ())
    named |= {manifest.subject for manifest in read if manifest}
    return frozenset(digest for digest in named if digest and digest not in snapshot.manifests)


def loose_manifests(snapshot: RepositorySnapshot, absent: Set[Digest]) -> tuple[Digest, ...]:
    """Manifests without a tag that no index lists and that belong to nothing that is there. Sorted. None where a tag's
    manifest is not known."""
    if not (snapshot.loose and snapshot.knows_what_is_listed):
        return ()
    graph = graph_of(snapshot)
    tagged = set(snapshot.tags.values())
    return tuple(
        digest
        for digest in sorted(snapshot.loose)
        if digest not in tagged and _is_alone(snapshot, graph, digest, absent)
    )


def sights(snapshot: RepositorySnapshot, absent: Set[Digest] = frozenset()) -> frozenset[Sight]:
    """What a run is to remember that it has seen: of a repository that was read completely."""
    found = {Sight("tag", snapshot.tags[tag], tag) for tag in _judged(snapshot)}
    found |= {
        Sight("orphan", snapshot.tags[tag], tag)
        for tag, known in attached_tags(snapshot).items()
        if known is None and _subject(tag) in absent
    }
    found |= {Sight("loose", digest) for digest in loose_manifests(snapshot, absent)}
    return frozenset(found)


def _judged(snapshot: RepositorySnapshot) -> Iterator[Tag]:
    """The tags that rules judge: all that were read, but those that nobody gave, and what runs have left."""
    left = {tag for tag, _ in tombstones(snapshot)}
    names = (tag for tag in sorted(snapshot.tags) if tag not in left and not is_attached_name(tag))
    return (tag for tag in names if tag not in snapshot.broken)


def _candidate(snapshot: RepositorySnapshot, tag: Tag, facts: ImageFacts, sightings: Sightings, now: int) -> Candidate:
    digest = snapshot.tags[tag]
    created = facts.created(digest)
    pushed = _pushed(snapshot, tag, created, sightings.get(Sight("tag", digest, tag)), now)
    return Candidate(
        tag=tag,
        digest=digest,
        pushed=pushed,
        created=created,
        pulled=facts.pulled(digest, pushed),
        labels=facts.labels(digest),
        provenance=facts.provenance(digest),
        archived=digest in snapshot.archived,
        locked=tag in snapshot.locked,
    )


def _pushed(
    snapshot: RepositorySnapshot, tag: Tag, created: Moment | None, seen: Seen | None, now: int
) -> Moment | None:
    """None also if one of the times that the listing says cannot be: the true one may be later than the other."""
    said = _said(snapshot, snapshot.tags[tag], tag)
    if any(sane(each, now) is None for each in said):
        return None
    pushed = max(said, key=lambda each: each.seconds) if said else created
    if pushed and seen and seen.missed is not None and pushed.seconds <= seen.missed:
        return max(pushed, Moment(seen.since, "first-seen"), key=lambda each: each.seconds)
    return pushed


def _found(snapshot: RepositorySnapshot, sight: Sight, sightings: Sightings) -> Moment | None:
    """The later of the push and the first run that found it so; None for what no run remembers."""
    seen = sightings.get(sight)
    if seen is None:
        return None
    moments = [Moment(seen.since, "first-seen"), *_said(snapshot, sight.digest, sight.tag)]
    return max(moments, key=lambda each: each.seconds)


def _said(snapshot: RepositorySnapshot, digest: Digest, tag: Tag | None) -> tuple[Moment, ...]:
    put = snapshot.put.get(tag) if tag else None
    pushed = snapshot.pushed.get(digest)
    return (
        *(() if put is None else (Moment(put, "tag-pushed"),)),
        *(() if pushed is None else (Moment(pushed, "manifest-pushed"),)),
    )


def _is_alone(snapshot: RepositorySnapshot, graph: Graph, digest: Digest, absent: Set[Digest]) -> bool:
    """An index that lists itself counts as one that lists it."""
    manifest = snapshot.manifests.get(digest)
    if manifest is None or graph.indexes.get(digest):
        return False
    return manifest.subject is None or manifest.subject in absent


def _behind(snapshot: RepositorySnapshot, digest: Digest) -> Iterator[Digest]:
    for each in (digest, *parts((digest,), snapshot.manifests)):
        yield each
        if (manifest := snapshot.manifests.get(each)) and manifest.config:
            yield manifest.config


def _subject(tag: Tag) -> Digest | None:
    """The manifest that a tag of this name belongs to; None if the name does not say it all, as of a SHA-512."""
    match = _SHA256.fullmatch(tag)
    try:
        return Digest.parse(f"sha256:{match[1]}") if match else None
    except InvalidName:
        return None
