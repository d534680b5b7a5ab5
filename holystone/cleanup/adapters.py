"""Which module speaks to which implementation. Loaded when first needed: some bring heavy packages along."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Final, Protocol, cast

from holystone.adapters.registries.implementations import IMPLEMENTATIONS
from holystone.adapters.registries.sheet import Sheet
from holystone.adapters.registries.site import Site
from holystone.engine.ports import Registry


class Adapter(Protocol):
    @property
    def SHEET(self) -> Sheet: ...  # noqa: N802 - a module's constant

    async def connect(self, site: Site) -> Registry:
        """Raises UsageError where the credential or a package is missing, HolystoneError where something else is."""
        ...


ADAPTERS: Final[Mapping[str, str]] = MappingProxyType(
    {name: f"holystone.adapters.registries.{name}" for name in IMPLEMENTATIONS}
)


def load_adapter(implementation: str) -> Adapter:
    return cast("Adapter", import_module(ADAPTERS[implementation]))
