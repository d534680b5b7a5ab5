"""The implementation `gcr`: Google's Artifact Registry, under its own hosts (*.pkg.dev) and under those of the
Container Registry that it replaced (gcr.io)."""

from typing import Final

from holystone.adapters.registries.vendor import Vendor

VENDOR: Final = Vendor(
    package=__name__,
    title="Google Artifact Registry and gcr.io",
    # Artifact Registry's besides werf's own.
    hosts=r"container\.cloud\.google\.com|gcr\.io|.+\.gcr\.io|.+\.pkg\.dev",
    closed_hosts={"mirror.gcr.io": "It is a read-only mirror.", "marketplace.gcr.io": "It is read-only."},
)
