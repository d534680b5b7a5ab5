"""What a registry can do, as data: it feeds the planner, the lanes, the documentation and the contract suite."""

import hashlib
from typing import Final, Literal, TypeAlias

import msgspec

from holystone.engine.model.codec import to_json
from holystone.engine.model.outlook import UndoOutlook

LastTag: TypeAlias = Literal["may-take-manifest", "takes-unlisted", "leaves-manifest"]
"""What becomes of a manifest whose last tag is deleted by name: it may go; it goes (at once or some time later) unless
an index that is there lists it; it stays."""
Overwrite: TypeAlias = Literal["may-drop-manifest", "leaves-manifest", "impossible"]
"""Whether a tag can be pushed over, and what becomes of a manifest whose last tag that was."""


class Quota(msgspec.Struct, frozen=True):
    """A documented limit that seeds a lane's token bucket."""

    rate: float
    """Requests per second."""
    burst: float
    """Requests that may be sent at once after a pause."""


class Capabilities(msgspec.Struct, frozen=True):
    """The defaults are the worst of what a registry may do beside what it is asked to do: whoever says better has been
    shown it, by the registry itself or by its maker's words."""

    implementation: str
    can_delete: bool
    """False: deletion is switched off on the server, or it is read-only."""
    cannot_delete_because: str = ""
    """For people: what the server said and which setting changes it. Empty if it can."""
    tag_delete: bool = False
    """A tag can be deleted by its name."""
    tag_delete_spares_siblings: bool = False
    """Deleting a tag surely leaves other tags of the same manifest alone."""
    last_tag: LastTag = "may-take-manifest"
    last_tag_takes_attached: bool = True
    """Deleting a manifest's last tag takes the tags along that belong to it by their names (signatures and the like),
    though it stays itself."""
    digest_push_outlives_tags: bool = False
    """A manifest that was pushed by its digest, too, stays when its last tag is deleted by name."""
    digest_delete: bool = True
    """A manifest can be deleted by digest; every tag on it goes too. False also where the registry collects what has
    no tag by itself, so that nothing is left to do."""
    digest_delete_takes_referrers: bool = False
    """… and so does every manifest whose subject it is, tagged or not."""
    digest_delete_takes_children: bool = False
    """… and so does every manifest that it lists, unless that has a tag or is in another index."""
    protects_children: bool = False
    """A manifest that an index lists cannot be deleted, be the index tagged or not."""
    tags_first: bool = True
    """Tags are deleted by name before their manifest by digest: the registry refuses a manifest that has tags, or it
    costs more. False where one request for the digest does it all."""
    overwrite: Overwrite = "may-drop-manifest"
    """Whether a tombstone can take a tag's place."""
    delete_cost_grows: bool = False
    """A digest delete reads every tag of the repository, so that many of them are quadratic."""
    keeps_last_tagged: bool = False
    """The registry refuses to delete the last manifest that has a tag."""
    digests_in_listing: bool = False
    """A listing says where every tag points, so that one look at it replaces a look at each tag."""
    page: int = 0
    """Entries that one request of a listing gives, at most; 0: all."""
    undo: UndoOutlook = UndoOutlook()
    """Whether what is deleted can be put back."""
    quota: Quota | None = None
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
            can_delete=True,
            cannot_delete_because="",
            undo=UndoOutlook(),
            quota=None,
            bulk=1,
            page=0,
            warnings=(),
        )
        return hashlib.sha256(to_json(does)).hexdigest()[:16]

    @property
    def gone_index_takes_children(self) -> bool:
        """Once an index is gone, so is what it alone listed and what has no tag, however that comes about."""
        return self.digest_delete_takes_children or self.last_tag == "takes-unlisted"


GENTLE: Final = Capabilities(
    "any",
    can_delete=True,
    tag_delete=True,
    tag_delete_spares_siblings=True,
    last_tag="leaves-manifest",
    last_tag_takes_attached=False,
    overwrite="leaves-manifest",
)
"""Of a registry that deletes what it is told and nothing else."""
