"""Locks: `changeableAttributes` of repositories, manifests and tags, each with its own.

Source: container-registry-image-lock.md of Azure's documentation, Azure/acr#495, Azure/acr-cli#134.
"""

import msgspec


class Attributes(msgspec.Struct, frozen=True):
    deleteEnabled: bool | None = None
    writeEnabled: bool | None = None

    @property
    def lock(self) -> str:
        """Which of them forbid to delete an image, for people; empty if none does."""
        off = [
            name
            for name, value in (("deleteEnabled", self.deleteEnabled), ("writeEnabled", self.writeEnabled))
            if value is False
        ]
        return f"locked in Azure: {' and '.join(off)} {'are' if len(off) > 1 else 'is'} false" if off else ""
