"""What the engine needs from outside, as Protocols. The adapters implement them; the program wires them."""

from holystone.engine.ports.registry import Listing, Registry
from holystone.engine.ports.state import Baselines, DigestCache, RepositoryJournal, Run, RunStore

__all__ = ["Baselines", "DigestCache", "Listing", "Registry", "RepositoryJournal", "Run", "RunStore"]
