"""Which host may see a credential: the registry's own origin, and a token server that surely belongs to it.

A challenge is only a claim of whoever answered, so the rules are narrow and what they do not cover must be named by
the user (`token_servers`).
"""

import ipaddress
import re
from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING, Final

from yarl import URL

from holystone.adapters.http.reply import address
from holystone.engine.errors import Unauthorized

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

# Where registries are found whose names belong to many owners, and which are not in the public suffix list. There only
# the registry's very own host is trusted: owners may share any level.
_SHARED: Final = re.compile(
    r"(?:.+\.)?(?:"
    r"aliyuncs\.com|amazonaws\.com(?:\.cn)?|azure\.com|azurecr\.(?:cn|io|us)|cluster\.local|googleusercontent\.com|"
    r"jfrog\.io|myqcloud\.com|nip\.io|ocir\.io|on\.aws|oraclecloud\.com|pkg\.dev|railway\.app|scw\.cloud|sslip\.io|"
    r"tencentcloudcr\.com|traefik\.me|vcr\.app|windows\.net|xip\.io)"
)


_NEAR: Final = re.compile(r".+\.(?:corp|home|home\.arpa|internal|intranet|lan|local|private)")


def origin(url: URL) -> tuple[str, str, int | None]:
    """Scheme, host and port: what has to be equal for an Authorization header to go along."""
    return url.scheme, (url.host or "").lower().rstrip("."), url.port


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_near(host: str) -> bool:
    """Whether a host is on this machine or in a private network, by its address, or by a name that nobody can have
    outside of one: a single label, or one of RFC 6762 (appendix G), RFC 8375 and ICANN's `internal`."""
    host = host.lower().rstrip(".")
    if _is_address(host):
        return ipaddress.ip_address(host.strip("[]")).is_private
    return is_loopback(host) or "." not in host or bool(_NEAR.fullmatch(host))


def registrable_domain(host: str) -> str | None:
    """The part of a host name that has one owner: one label below a public suffix (publicsuffix.org, the private ones
    too). None where that cannot be told: addresses, single labels, suffixes themselves, and domains that many share."""
    host = host.lower().rstrip(".")
    if _is_address(host) or _SHARED.fullmatch(host):
        return None
    return _public_suffixes().privatesuffix(host)


@cache
def _public_suffixes() -> "PublicSuffixList":
    from publicsuffixlist import PublicSuffixList  # here: most registries are their own token servers

    return PublicSuffixList()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def check_realm(registry: URL, realm: URL, *, token_servers: Collection[str] = (), has_credential: bool = True) -> None:
    """Raises Unauthorized if a token for `registry` must not be asked at `realm`.

    Over https the whole of the registry's own domain may see the credential, and a host that is named. Plain http is
    accepted only from a registry that is itself used over plain http, and only at its very own host and port; at
    another port if that is named, or on the machine itself.
    """
    home = origin(registry)[1]
    scheme, host, port = origin(realm)
    with_port = f"{host}:{port}" in token_servers
    named = host in token_servers or with_port
    if scheme not in ("http", "https") or not host:
        raise _refusal(
            registry, realm, "is not a web address", "Ask the registry's operator to correct its token realm."
        )
    on_this_machine = is_loopback(home) and (host == home or named)
    if scheme == "http" and not (
        registry.scheme == "http"
        and (origin(realm) == origin(registry) or (host == home and with_port) or on_this_machine)
    ):
        raise _refusal(
            registry,
            realm,
            "is not encrypted",
            f"Ask the registry's operator for a token server that speaks https{_unless(registry, host, port, home)}.",
        )
    if not has_credential or host == home or named:
        return
    domain = registrable_domain(home)
    if domain is None or registrable_domain(host) != domain:
        raise _refusal(
            registry,
            realm,
            "is on another domain, which must not see the credential",
            f"If that host really is the registry's token server, pass --trust-token-server {host}.",
        )


def _unless(registry: URL, host: str, port: int | None, home: str) -> str:
    if registry.scheme != "http" or host != home:
        return ""
    return f", or pass --trust-token-server {host}:{port} if it may see the credential in clear text"


def _refusal(registry: URL, realm: URL, why: str, what_to_do: str) -> Unauthorized:
    shown = realm.with_user(None).with_query(None) if realm.absolute else "its realm"
    return Unauthorized(f"{address(registry)} wants its token fetched from {shown}: that {why}.", what_to_do=what_to_do)
