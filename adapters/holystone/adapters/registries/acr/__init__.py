"""Azure Container Registry: tags by its own API (/acr/v1), manifests and blobs by the OCI distribution API."""

from typing import Final

from holystone.adapters.registries.vendor import Vendor

VENDOR: Final = Vendor(
    package=__name__,
    title="Azure Container Registry",
    # The sovereign clouds' besides werf's own (Azure/azure-cli, cloud.py).
    hosts=r".+\.azurecr\.(io|cn|us|sovcloud-azure\.fr)",
)
