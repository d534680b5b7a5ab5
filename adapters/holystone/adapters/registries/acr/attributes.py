"""Locks: `changeableAttributes` of repositories, manifests and tags, each with its own.

Source: container-registry-image-lock.md of Azure's documentation, Azure/acr#495, Azure/acr-cli#134.
"""

import msgspec


class Attributes(msgspec.Struct, frozen=True):
    """One that is missing is unknown, and not unlocked: AcrPull "does not grant permissions to … view policies …
    (locking)" (container-registry-rbac-built-in-roles-overview.md); what such a principal is shown is UNCONFIRMED."""

    deleteEnabled: bool | None = None
    writeEnabled: bool | None = None

    @property
    def known(self) -> bool:
        return self.deleteEnabled is not None and self.writeEnabled is not None

    @property
    def lock(self) -> str:
        """Which of them forbid to delete an image, for people; empty if none does."""
        off = [
            name
            for name, value in (("deleteEnabled", self.deleteEnabled), ("writeEnabled", self.writeEnabled))
            if value is False
        ]
        return f"locked in Azure: {' and '.join(off)} {'are' if len(off) > 1 else 'is'} false" if off else ""
