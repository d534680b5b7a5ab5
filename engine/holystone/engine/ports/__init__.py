"""What the engine needs from outside, as Protocols. The adapters implement them; the program wires them."""

from holystone.engine.ports.registry import (
    TAGS,
    CatalogPage,
    Listing,
    OpenSession,
    Registry,
    RepositorySession,
    Wanted,
)
from holystone.engine.ports.spool import Spool
from holystone.engine.ports.state import (
    Baselines,
    DigestCache,
    Held,
    Locks,
    RateBudget,
    RepositoryJournal,
    Run,
    RunStore,
    Sightings,
    TagMemory,
)

__all__ = [
    "TAGS",
    "Baselines",
    "CatalogPage",
    "DigestCache",
    "Held",
    "Listing",
    "Locks",
    "OpenSession",
    "RateBudget",
    "Registry",
    "RepositoryJournal",
    "RepositorySession",
    "Run",
    "RunStore",
    "Sightings",
    "Spool",
    "TagMemory",
    "Wanted",
]
