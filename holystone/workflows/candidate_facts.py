"""What is known of one image: when it was built and pulled, and what its labels say. Unknown is None, everywhere."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from holystone.engine.model.inventory import Pulls, RepositorySnapshot
from holystone.engine.model.manifests import DOCKER_SCHEMA1, DOCKER_SCHEMA1_UNSIGNED, Manifest, parts
from holystone.engine.model.references import Digest, Tag
from holystone.policies.retention.candidates import Moment
from holystone.policies.retention.moments import sane

CREATED: Final = "org.opencontainers.image.created"
"""OCI image specification, annotations.md: RFC 3339."""
_NO_CONFIGURATION: Final = frozenset({DOCKER_SCHEMA1, DOCKER_SCHEMA1_UNSIGNED})
"""Images whose configuration is a part of the manifest, and is not read."""
_NO_LABELS: Final[Mapping[str, frozenset[str]]] = MappingProxyType({})


class ImageFacts:
    """What a snapshot says of images, by digest: each is looked at once, however many tags it has."""

    def __init__(self, snapshot: RepositorySnapshot, now: int) -> None:
        self._snapshot = snapshot
        self._now = now
        self._created: dict[Digest, Moment | None] = {}
        self._labels: dict[Digest, Mapping[str, frozenset[str]] | None] = {}
        self._provenance: dict[Digest, frozenset[str] | None] = {}
        self._pulls = snapshot.pulls or Pulls()
        self._counts_pulls = bool(self._pulls.tags or self._pulls.manifests)
        self._tags: defaultdict[Digest, list[Tag]] = defaultdict(list)
        if self._pulls.tags:
            for tag, digest in snapshot.tags.items():
                self._tags[digest].append(tag)

    def __repr__(self) -> str:
        return f"<ImageFacts {self._snapshot.repository}>"

    def created(self, digest: Digest) -> Moment | None:
        """When it was built: by its annotation, else by its configuration, and of an index else when the newest of its
        images was. None if one of them does not say it."""
        if digest not in self._created:
            self._created[digest] = self._look_when(digest)
        return self._created[digest]

    def labels(self, digest: Digest) -> Mapping[str, frozenset[str]] | None:
        """Labels and annotations, and of an index those of its images, too. None if one of them was not read."""
        if digest not in self._labels:
            self._labels[digest] = self._look_what(digest)
        return self._labels[digest]

    def provenance(self, digest: Digest) -> frozenset[str] | None:
        """The commits that are attested of an index's images. None if one attestation was not read."""
        if digest not in self._provenance:
            self._provenance[digest] = self._look_whence(digest)
        return self._provenance[digest]

    def pulled(self, digest: Digest, pushed: Moment | None) -> Moment | None:
        """The latest pull of any tag of it, of itself or of what it lists, its restore from the archive, or its push:
        what was never pulled counts from that. None where the registry tells no pulls, or has recorded none in the
        whole repository, for some can be told to record nothing."""
        if self._snapshot.pulls is None or pushed is None or not self._counts_pulls:
            return None
        moments = [pushed.seconds]
        for each in (digest, *parts((digest,), self._snapshot.manifests)):
            moments += _told(self._pulls.manifests.get(each))
        for tag in self._tags.get(digest, ()):
            moments += _told(self._pulls.tags.get(tag))
        latest = max(moments)
        restored = self._pulls.restored.get(digest, 0)
        if restored > latest:
            return sane(Moment(restored, "restored"), self._now)
        return sane(Moment(latest, pushed.source), self._now)

    def _look_when(self, digest: Digest) -> Moment | None:
        manifest = self._snapshot.manifests.get(digest)
        if manifest is None:
            return None
        if said := manifest.annotations.get(CREATED):
            return sane(Moment(_unix(said), "annotation"), self._now)
        if not manifest.is_index:
            config = self._snapshot.configs.get(manifest.config) if manifest.config else None
            return sane(Moment(config.created, "created"), self._now) if config else None
        moments = [self.created(each.digest) if each else None for each in self._images(manifest)]
        known = [each for each in moments if each]
        return max(known) if known and len(known) == len(moments) else None

    def _look_what(self, digest: Digest) -> Mapping[str, frozenset[str]] | None:
        manifest = self._snapshot.manifests.get(digest)
        if manifest is None or manifest.media_type in _NO_CONFIGURATION:
            return None
        said: defaultdict[str, set[str]] = defaultdict(set)
        for each in (manifest, *(self._images(manifest) if manifest.is_index else ())):
            config = self._snapshot.configs.get(each.config) if each and each.config else None
            if each is None or (each.config and config is None):
                return None
            for labels in (each.annotations, config.labels if config else {}):
                for name, text in labels.items():
                    said[name].add(text)
        return {name: frozenset(texts) for name, texts in said.items()} if said else _NO_LABELS

    def _look_whence(self, digest: Digest) -> frozenset[str] | None:
        known = self._snapshot.manifests
        found: frozenset[str] = frozenset()
        for index in (digest, *parts((digest,), known)):
            manifest = known.get(index)
            if manifest is None:
                return None
            for subject, attestations in manifest.attested.items():
                for each in attestations if subject in manifest.children else ():
                    if each not in known:
                        return None
                    for statement in known[each].statements:
                        if (said := self._snapshot.provenance.get(statement.digest)) is None:
                            return None
                        found |= said
        return found

    def _images(self, index: Manifest) -> Iterator[Manifest | None]:
        """The images that an index lists, at any depth; None for one that was not read, which may be one. Attestations
        and other artifacts are none."""
        for digest in sorted(parts((index.digest,), self._snapshot.manifests)):
            manifest = self._snapshot.manifests.get(digest)
            if manifest is None or manifest.config or manifest.media_type in _NO_CONFIGURATION:
                yield manifest


def _told(moment: int | None) -> tuple[int, ...]:
    return () if moment is None else (moment,)


def _unix(text: str) -> int:
    """0 for what is no time."""
    try:
        moment = msgspec.convert(text, type=dt.datetime)
    except msgspec.ValidationError:
        return 0
    return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp())
