"""The implementation `gitlab`: the registry of GitLab.com and of self-managed GitLab, through the registry's own doors
`/v2` and `/gitlab/v1`. GitLab's API v4, which says less, is used for one thing: to delete with a Developer's token."""

from typing import TYPE_CHECKING, Final

from holystone.adapters.registries.vendor import TokenOption, Vendor

if TYPE_CHECKING:
    from holystone.adapters.registries.fingerprint import Fingerprint


def _recognizes(shown: "Fingerprint") -> bool:
    """The header is of the registry's own replies (gitlab-org/container-registry, registry/handlers/app.go; whether it
    is on a 401 too is unconfirmed), the challenge of every registry behind GitLab's token service. `service` alone is
    not enough: Gitea and Forgejo say container_registry too, with /v2/token (go-gitea/gitea,
    tests/integration/api_packages_container_test.go)."""
    challenges = shown.service == "container_registry" and shown.realm.path.endswith("/jwt/auth")
    return challenges or "gitlab-container-registry-version" in shown.headers


VENDOR: Final = Vendor(
    package=__name__,
    title="GitLab Container Registry",
    # The registry's own name besides werf's.
    hosts=r"gitlab\.com|registry\.gitlab\.com",
    recognizes=_recognizes,
    spoken="GitLab's registry",
    logins=(TokenOption(name="gitlab-token", help="GitLab access token (with api), where a Developer is to delete"),),
)
