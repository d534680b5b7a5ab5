"""What a registry holds, as read in one run: immutable, and the only thing that policies see of a registry."""

from collections.abc import Mapping, Set

import msgspec

from holystone.engine.model.image_config import ImageConfig
from holystone.engine.model.manifests import Manifest
from holystone.engine.model.references import Digest, Repository, Tag


class Pulls(msgspec.Struct, frozen=True):
    """When images were pulled, in unix seconds, as far as the registry says it. What is in neither map was not pulled
    as far as the registry knows, which is not the same: some can be told to record nothing."""

    tags: Mapping[Tag, int] = {}
    """By the tag."""
    manifests: Mapping[Digest, int] = {}
    """By whatever name; of what an index lists, too."""
    restored: Mapping[Digest, int] = {}
    """When a manifest came back from the registry's archive, which could not be pulled meanwhile."""


class RepositorySnapshot(msgspec.Struct, frozen=True):
    """One repository, read completely. `exists` is False for a repository the registry does not know:
    then everything else is empty."""

    repository: Repository
    tags: Mapping[Tag, Digest]
    """Every tag whose manifest the registry has."""
    broken: Mapping[Tag, str]
    """Tags that are listed but whose manifest or configuration is missing or malformed, with what is wrong."""
    manifests: Mapping[Digest, Manifest]
    """Manifests behind the tags, children of indexes at any depth, and the referrers that were asked for."""
    configs: Mapping[Digest, ImageConfig]
    """By image id (digest of the configuration), for the tags whose labels were asked for."""
    exists: bool = True
    unseen: bool = False
    """The registry does not tell whether it is there, and it counts as not there because nothing was ever published in
    it."""
    unread: Mapping[Tag | Digest, str] = {}
    """What the registry has and does not give out, with what it said instead: tags that it does not resolve, manifests
    that it does not send. Any manifest of the repository may be behind it, so that none goes while it is so."""
    held: Mapping[Digest, str] = {}
    """Manifests of which it cannot be told what refers to them: they stay."""
    unclear: Mapping[Digest, tuple[Digest, ...]] = {}
    """Manifests that cannot be understood, with those that another reader may see in them."""
    locked: Mapping[Tag, str] = {}
    """Tags that the registry will not delete, with the rule that forbids it."""
    locks: tuple[Tag, ...] = ()
    """Tags of Holystone's own by which a run says that it is at work here; they are no content."""
    put: Mapping[Tag, int] = {}
    """Unix seconds at which a tag was put onto its manifest last, or a later moment, where the listing says it."""
    pushed: Mapping[Digest, int] = {}
    """Unix seconds at which a manifest was pushed, where the listing says it. A new tag on it need not change that."""
    pulls: Pulls | None = None
    """None: nobody asked for them, or the registry tells none."""
    loose: tuple[Digest, ...] | None = None
    """Manifests without a tag, all that may be deleted, be they needed or not; None: nobody asked for them, or the
    registry does not list them."""
    archived: frozenset[Digest] = frozenset()
    """Manifests that the registry has put aside, and does not give out."""
    odd: Mapping[str, Digest | None] = {}
    """Names in the list that are no tags, each with the manifest that it stands for where that is known: that stays."""
    fetched: int = 0
    """How many manifests the registry was asked for to read it, since nobody had them yet."""
    provenance: Mapping[Digest, frozenset[str]] = {}
    """Commits, by the digest of the attestation that says them, as far as they were asked for and can be read."""
    believed: Mapping[Tag, int] = {}
    """Tags that carry their content in their names and were not looked at again, with the moment of the last look (Unix
    seconds). Nothing is deleted that rests on them."""

    @property
    def names(self) -> Set[Tag]:
        """The names of all tags that are listed, broken ones too."""
        return self.tags.keys() | self.broken.keys()

    @property
    def knows_what_is_listed(self) -> bool:
        """Whether the manifest of each tag is known. One that is listed and not given out (archived, or lost by a part
        of the registry only) may be an index, and list anything."""
        return all(self.tags.get(tag) in self.manifests for tag in self.broken)

    def image(self, tag: Tag) -> ImageConfig | None:
        """The configuration of the image behind a tag, odd or not; None for an index, an artifact or one that cannot be
        read."""
        digest = self.tags.get(tag)
        manifest = self.manifests.get(digest) if digest else None
        return self.configs.get(manifest.config) if manifest and manifest.config else None
