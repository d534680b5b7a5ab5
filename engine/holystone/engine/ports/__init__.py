"""What the engine needs from outside, as Protocols. The adapters implement them; the program wires them."""

from holystone.engine.ports.registry import CatalogPage, Listing, OpenSession, Registry, RepositorySession
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
)

__all__ = [
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
    "Spool",
]
