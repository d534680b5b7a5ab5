"""The implementation `quay`: quay.io and Quay on one's own servers."""

import re
from typing import TYPE_CHECKING, Final

from holystone.adapters.registries.vendor import TokenOption, Vendor
from holystone.engine.model.addresses import ModeRules

if TYPE_CHECKING:
    from holystone.adapters.registries.fingerprint import Fingerprint


def _recognizes(shown: "Fingerprint") -> bool:
    """Whether it is Quay, by quay/quay, auth/registry_jwt_auth.py: get_auth_headers, and endpoints/v2/__init__.py:
    v2_support_enabled, whose body is a bare `true`. Small proxies copy the path of the realm, so all of it has to be
    there."""
    realm = shown.realm
    is_own = bool(realm.host) and shown.service in (realm.authority, realm.host)
    return is_own and realm.path == "/v2/auth" and re.fullmatch(rb"\s*true\s*", shown.body) is not None


VENDOR: Final = Vendor(
    package=__name__,
    title="Quay (quay.io and self-hosted)",
    hosts=r"quay\.io",
    anybodys_hosts=r"quay\..+\.com",
    recognizes=_recognizes,
    spoken="Quay",
    modes=lambda _: ModeRules(account=("NAMESPACE",), nests=False),
    logins=(TokenOption(name="quay-token", help="Quay OAuth token (with repo:read and repo:write)", variables="WERF"),),
)
