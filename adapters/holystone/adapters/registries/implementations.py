"""The registries: the one list. A name here is an option's word and a package beside this module."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Final

from holystone.adapters.registries.vendor import Vendor

IMPLEMENTATIONS: Final = ("ecr", "acr", "default", "dockerhub", "gcr", "github", "gitlab", "harbor", "quay")
"""In the order in which their hosts' names are tried, and their options shown."""
VENDORS: Final[Mapping[str, Vendor]] = MappingProxyType(
    {name: import_module(f"holystone.adapters.registries.{name}").VENDOR for name in IMPLEMENTATIONS}
)
