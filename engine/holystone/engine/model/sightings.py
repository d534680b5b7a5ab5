"""What runs have seen of a repository, and since when: a registry's list says neither when a tag was put onto an old
image, nor since when a manifest is without a tag."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from holystone.engine.model.references import Digest, Tag


class Sight(msgspec.Struct, frozen=True, gc=False):
    """Something that a complete look at a repository shows."""

    kind: Literal["tag", "loose", "orphan"]
    """A tag on a manifest; a manifest that has no tag and that no other needs; a tag that is attached to what is
    gone."""
    digest: Digest
    tag: Tag | None = None
    """None for a manifest without one."""


class Seen(msgspec.Struct, frozen=True, gc=False):
    since: int
    """Unix seconds of the first look that saw it; all looks since then did, too."""
    missed: int | None = None
    """Unix seconds of the last look before, which did not see it; None: nobody had looked."""


Sightings: TypeAlias = Mapping[Sight, Seen]
"""Of one repository."""


class LookedAt(msgspec.Struct, frozen=True, gc=False):
    """What a tag pointed to when it was last looked at."""

    digest: Digest
    at: int
    """Unix seconds."""
