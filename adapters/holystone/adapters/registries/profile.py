"""What a person should know about a registry before pointing a cleaner at it: the source of docs/registries.md."""

import msgspec

from holystone.engine.model.capabilities import Capabilities


class Profile(msgspec.Struct, frozen=True):
    """Texts are for people, a few words each; everything that the engine acts on is in `can`."""

    hosts: str
    can: Capabilities
    """As declared before anything is asked; `probe` narrows it."""
    catalog: str
    """The call that lists repositories, how much it shows, and the right that it needs."""
    listing: str
    """The call that lists a repository's tags."""
    shows: str
    """What the listing says besides tags."""
    deletion: str
    """The call that deletes."""
    credentials: str
    """Which credentials work, and the right they need."""
    restore: str
    """How a deletion can be undone, and how long."""
    limits: str
    """Published or observed limits, and how the vendor says that one was hit."""
    rules: str
    """What can forbid a deletion, and whether it is known before."""
