"""What a registry can do, as data: it feeds the planner, the lanes, the documentation and the contract suite.

Of what a registry does beside what it is asked to do, nothing is taken to be harmless that the registry itself or its
maker's words have not shown to be.
"""

import hashlib
from typing import Final, Literal, TypeAlias

import msgspec

from holystone.engine.model.codec import to_json
from holystone.engine.model.outlook import UndoOutlook

Fate: TypeAlias = Literal["may-go", "goes-unanchored", "goes-unlisted", "stays"]
"""What becomes of a manifest without a tag. `may-go`: nobody knows that it stays. `goes-unanchored`: it goes unless it
was pushed by its digest, too. `goes-unlisted`: it goes (at once or some time later) unless an index that is there lists
it."""


class LastTag(msgspec.Struct, frozen=True):
    """What becomes of a manifest, and of what belongs to it, when its last tag is taken away."""

    manifest: Fate = "may-go"
    takes_attached: bool = True
    """The tags go along that belong to the manifest by their names (signatures and the like), though it stays itself.
    """


SPARES_ALL: Final = LastTag("stays", takes_attached=False)


class TagDeletion(msgspec.Struct, frozen=True):
    """A tag can be deleted by its name."""

    last_tag: LastTag | None = None
    """What a deletion of the last tag of a manifest does, where that of another one surely leaves its siblings and the
    manifest alone. None: any deletion may take them all."""


class DigestDeletion(msgspec.Struct, frozen=True):
    """A manifest can be deleted by its digest; every tag on it goes too."""

    tags_first: bool = True
    """Tags that can be deleted by name are, before their manifest by digest: the registry refuses a manifest that has
    tags, or it costs more. False where one request for the digest does it all."""
    tombstones: LastTag | None = None
    """A tombstone can be pushed over a tag, and deleted by its own digest: what that does to the manifest whose last
    tag it was. None: a tag cannot be pushed over."""
    cost_grows: bool = False
    """Each deletion reads every tag of the repository, so that many of them are quadratic."""
    keeps_last_tagged: bool = False
    """The registry refuses to delete the last manifest that has a tag."""


class Cascade(msgspec.Struct, frozen=True):
    """Which manifests go with another one, by whatever way that goes."""

    referrers: bool = False
    """Manifests whose subject is gone go too, tagged or not."""
    children: bool = False
    """Manifests that a gone index listed go too, unless they have a tag or are in another index."""


class ListingFacts(msgspec.Struct, frozen=True):
    digests: bool = False
    """A listing says where every tag points, so that one look at it replaces a look at each tag."""
    page: int | None = None
    """Entries that one request of a listing gives, at most; None: all."""
    pulls: bool = False
    """A listing says, where that is wanted, when images were pulled."""
    loose: bool = False
    """A listing shows, where that is wanted, all manifests without a tag."""


class Quota(msgspec.Struct, frozen=True):
    """A documented limit that seeds a lane's token bucket."""

    rate: float
    """Requests per second."""
    burst: float
    """Requests that may be sent at once after a pause."""
    pool: str = ""
    """Lanes of one host and credential whose quotas name the same pool are counted together. Empty: each by itself."""
    weight: float = 1.0
    """What a request takes of the pool, in its own unit."""


class Capabilities(msgspec.Struct, frozen=True):
    implementation: str
    forbidden: str = ""
    """For people: why nothing can be deleted there now, whatever the registry could do: deletion is switched off, or
    the credential lacks a right; what the server said, and what changes it. Empty if nothing forbids it."""
    tags: TagDeletion | None = None
    """None: no tag can be deleted by its name."""
    digests: DigestDeletion | None = None
    """None: no manifest can be deleted by its digest. So it is said, too, of a registry that collects what has no tag
    by itself, so that nothing is left to do."""
    cascade: Cascade = Cascade()
    protects_children: bool = False
    """A manifest that an index lists cannot be deleted, be the index tagged or not."""
    listing: ListingFacts = ListingFacts()
    undo: UndoOutlook = UndoOutlook()
    """Whether what is deleted can be put back."""
    quota: Quota | None = None
    """The limit of deletions; None: none is known."""
    bulk: int = 1
    """Tags or digests that one delete request takes."""
    warnings: tuple[str, ...] = ()
    """What a person should know before a deletion, e.g. that the server says it is another implementation."""

    @property
    def manners(self) -> str:
        """A fingerprint of what a plan relies on: what the registry does, not what somebody may do there, or how
        fast."""
        does = msgspec.structs.replace(
            self,
            forbidden="",
            listing=ListingFacts(self.listing.digests),
            undo=UndoOutlook(),
            quota=None,
            bulk=1,
            warnings=(),
        )
        return hashlib.sha256(to_json(does)).hexdigest()[:16]

    def without_tombstones(self) -> "Capabilities":
        """Where the credential may not push, or tags are immutable."""
        digests = msgspec.structs.replace(self.digests, tombstones=None) if self.digests else None
        return msgspec.structs.replace(self, digests=digests)

    @property
    def collects_unlisted(self) -> bool:
        """Once an index is gone, so is what it alone listed and what has no tag, however that comes about."""
        by_name = self.tags.last_tag if self.tags else None
        overwritten = self.digests.tombstones if self.digests else None
        fates = {last.manifest for last in (by_name, overwritten) if last}
        return self.cascade.children or "goes-unlisted" in fates


GENTLE: Final = Capabilities("any", tags=TagDeletion(SPARES_ALL), digests=DigestDeletion(tombstones=SPARES_ALL))
"""A registry that deletes what it is told and nothing else."""
