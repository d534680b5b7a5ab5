"""The implementation `harbor`: Harbor 2.x, by its API v2.0 for lists and deletions and by /v2 for the rest."""

from typing import TYPE_CHECKING, Final

from holystone.adapters.registries.vendor import PasswordOptions, Vendor

if TYPE_CHECKING:
    from holystone.adapters.registries.fingerprint import Fingerprint


def _recognizes(shown: "Fingerprint") -> bool:
    """Whether it is Harbor, by its challenge (goharbor/harbor, src/server/middleware/v2auth/auth.go: getChallenge);
    nobody is let in without a login."""
    return shown.service == "harbor-registry" and shown.realm.path.endswith("/service/token")


VENDOR: Final = Vendor(
    package=__name__,
    title="Harbor 2.x",
    hosts=r"demo\.goharbor\.io",
    anybodys_hosts=r"harbor\..+",
    recognizes=_recognizes,
    spoken="Harbor",
    logins=(
        PasswordOptions(
            name="harbor",
            username="Harbor user or robot",
            password="Harbor password or secret",  # noqa: S106 - its help
            variables="WERF",
        ),
    ),
)
