"""The implementation `default`: distribution 2.8 and 3, zot and whatever else speaks the OCI distribution API."""

from holystone.adapters.registries.default.registry import OciRegistry

__all__ = ["OciRegistry"]
