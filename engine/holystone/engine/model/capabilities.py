"""What a registry can do, as data: it feeds the planner, the lanes, the documentation and the contract suite."""

import msgspec


class Quota(msgspec.Struct, frozen=True):
    """A documented limit that seeds a lane's token bucket."""

    rate: float
    """Requests per second."""
    burst: float
    """Requests that may be sent at once after a pause."""


class Capabilities(msgspec.Struct, frozen=True):
    implementation: str
    can_delete: bool
    """False: deletion is switched off on the server, or it is read-only."""
    cannot_delete_because: str = ""
    """For people: what the server said and which setting changes it. Empty if it can."""
    tag_delete: bool = False
    """A tag can be deleted by its name."""
    tag_delete_spares_siblings: bool = False
    """Deleting a tag surely leaves other tags of the same manifest alone."""
    digest_delete: bool = True
    """A manifest can be deleted by digest; every tag on it goes too."""
    tag_overwrite: bool = True
    """A tag can be pushed over, which lets a tombstone take its place."""
    delete_cost_grows: bool = False
    """A digest delete reads every tag of the repository, so that many of them are quadratic."""
    quota: Quota | None = None
    bulk: int = 1
    """Tags or digests that one delete request takes."""
