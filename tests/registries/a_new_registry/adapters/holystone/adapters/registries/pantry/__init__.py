"""Pantry, a registry that nobody has: what docs/adding-a-registry.md asks for, and no more."""

from typing import TYPE_CHECKING, Final

from holystone.adapters.registries.vendor import TokenOption, Vendor

if TYPE_CHECKING:
    from holystone.adapters.registries.fingerprint import Fingerprint


def _recognizes(shown: "Fingerprint") -> bool:
    return shown.service == "pantry" and shown.realm.path == "/pantry/token"


VENDOR: Final = Vendor(
    package=__name__,
    title="Pantry",
    hosts=r".+\.pantry\.example",
    anybodys_hosts=r"pantry\..+",
    closed_hosts={"mirror.pantry.example": "It is a read-only mirror."},
    recognizes=_recognizes,
    spoken="Pantry",
    logins=(TokenOption(name="pantry-token", help="Pantry token (with the role keeper)"),),
)
