"""The implementation `quay`: quay.io and Quay on one's own servers."""

from holystone.adapters.registries.quay.connect import connect
from holystone.adapters.registries.quay.registry import QuayRegistry
from holystone.adapters.registries.quay.sheet import SHEET

__all__ = ["SHEET", "QuayRegistry", "connect"]
