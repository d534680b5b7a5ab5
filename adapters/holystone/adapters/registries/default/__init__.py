"""The implementation `default`: distribution 2.8 and 3, zot and whatever else speaks the OCI distribution API."""

from typing import Final

from holystone.adapters.registries.vendor import Vendor

VENDOR: Final = Vendor(package=__name__, title="default (distribution, zot and other OCI registries)")
