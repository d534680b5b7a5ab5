"""Which host may see a credential: the registry's own origin, and a token server that surely belongs to it.

A challenge is only a claim of whoever answered, so the rules are narrow and what they do not cover must be named by
the user (`token_servers`).
"""

import ipaddress
import re
from collections.abc import Collection

from yarl import URL

from holystone.adapters.http.reply import address
from holystone.engine.errors import Unauthorized

# Second-level words under country domains that are suffixes, not somebody's domain (`co.uk`, `com.br`, …).
_SECOND_LEVEL = re.compile(
    "ac|ad|asn|asso|biz|com?|ed|edu|fin|firm|gen|go|gob|gouv|gov|gr|govt|id|ind?|info|ltd|me|mil|muni|net?|nhs|nic|"
    "nom|org?|plc|police|pp|pro|re|res|sch|school|tm|tv|web"
)
# Domains whose names belong to many owners (after publicsuffix.org; those where registries are found). There only the
# registry's very own host is trusted: owners may share any level.
_SHARED = re.compile(
    r"(?:.+\.)?(?:"
    r"aliyuncs\.com|amazonaws\.com(?:\.cn)?|appspot\.com|azure\.com|azurecr\.(?:cn|io|us)|azurewebsites\.net|"
    r"cloudapp\.net|cloudfront\.net|(?:co|de|eu|uk|us)\.com|digitaloceanspaces\.com|duckdns\.org|eu\.org|fly\.dev|"
    r"git(?:hub|lab)\.io|googleusercontent\.com|herokuapp\.com|jfrog\.io|myftp\.org|myqcloud\.com|netlify\.app|"
    r"ngrok(?:-free)?\.(?:app|dev|io)|nip\.io|no-ip\.org|ocir\.io|on\.aws|ondigitalocean\.app|onrender\.com|"
    r"oraclecloud\.com|pages\.dev|pkg\.dev|railway\.app|run\.app|scw\.cloud|sslip\.io|svc\.cluster\.local|"
    r"tencentcloudcr\.com|traefik\.me|trycloudflare\.com|vercel\.app|web\.app|windows\.net|workers\.dev|xip\.io)"
)


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


def registrable_domain(host: str) -> str | None:
    """The part of a host name that has one owner, as far as that can be told without the public suffix list. None if it
    cannot: addresses, single labels, suffixes themselves, and domains that many share."""
    host = host.lower().rstrip(".")
    if _is_address(host) or _SHARED.fullmatch(host):
        return None
    labels = host.split(".")
    country = len(labels[-1]) == 2 and len(labels) > 1
    suffix = 2 if country and (len(labels[-2]) <= 2 or _SECOND_LEVEL.fullmatch(labels[-2])) else 1
    return ".".join(labels[-suffix - 1 :]) if len(labels) > suffix else None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def check_realm(registry: URL, realm: URL, *, token_servers: Collection[str] = (), has_credential: bool = True) -> None:
    """Raises Unauthorized if a token for `registry` must not be asked at `realm`.

    Plain HTTP is only accepted from a registry that is itself used over plain HTTP, and only on the same host.
    """
    _, home, _ = origin(registry)
    scheme, host, port = origin(realm)
    named = host in token_servers or f"{host}:{port}" in token_servers
    if scheme not in ("http", "https") or not host:
        raise _refusal(
            registry, realm, "is not a web address", "Ask the registry's operator to correct its token realm."
        )
    if scheme == "http" and not (registry.scheme == "http" and (host == home or (is_loopback(home) and named))):
        raise _refusal(
            registry, realm, "is not encrypted", "Ask the registry's operator for a token server that speaks https."
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


def _refusal(registry: URL, realm: URL, why: str, what_to_do: str) -> Unauthorized:
    shown = realm.with_user(None).with_query(None) if realm.absolute else "its realm"
    return Unauthorized(f"{address(registry)} wants its token fetched from {shown}: that {why}.", what_to_do=what_to_do)
