"""One entry of `auths` in Docker's configuration, and the registry that its key means."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from holystone.adapters.credentials.credential import Credential, IdentityToken, RegistryToken, UserPassword
from holystone.adapters.credentials.secret import Secret

HUB = "docker.io"
HUB_SERVER = "https://index.docker.io/v1/"
"""Under which Docker and its helpers keep Docker Hub's credential."""
_HUB_NAMES = frozenset((HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"))
_API_PATHS = frozenset(("", "v1", "v2"))


@dataclass(frozen=True, slots=True)
class ServerKey:
    host: str
    path: str
    """Empty for the whole registry."""

    @classmethod
    def parse(cls, key: str) -> "ServerKey":
        """`host`, `host:port`, `host/path`, `https://host/v1/`. Only a key without scheme can mean repositories
        (podman); behind a scheme Docker passes a path over (docker/cli, cli/config/credentials/file_store.go). But it
        keeps what else it got from Docker Hub through the browser under `…/v1/access-token` and `…/v1/refresh-token`
        (internal/oauth/manager/manager.go), which nothing asks for."""
        scheme, separator, rest = key.strip().partition("://")
        name, _, path = (rest if separator else scheme).partition("/")
        host, path = canonical_host(name), path.strip("/")
        if path in _API_PATHS or (separator and host != HUB):
            path = ""
        elif separator:
            path = f"/{path}"  # no repository begins like that
        return cls(host, path)

    def nearness(self, key: str) -> int:
        """How near a key is to the one that Docker would look for: the most exact one wins."""
        exact = f"{self.host}/{self.path}" if self.path else self.host
        return 2 if key == HUB_SERVER else int(key == exact)


def canonical_host(host: str) -> str:
    host = host.lower()
    return HUB if host in _HUB_NAMES else host


def parse_entry(entry: Any, origin: str) -> Credential | None:
    """The credential of an entry; None for the empty entry that Docker leaves when a helper has the secret. Raises
    ValueError, which says what is wrong and nothing of the content."""
    if not isinstance(entry, dict):
        raise ValueError("it is no object")
    for field in ("auth", "username", "password", "identitytoken", "registrytoken"):
        if not isinstance(entry.get(field) or "", str):
            raise ValueError(f"its {field} is no text")
    username, password = entry.get("username"), entry.get("password") or ""
    if entry.get("auth"):
        username, password = _split(entry["auth"])
    if token := entry.get("registrytoken"):
        return RegistryToken(Secret(token), origin)
    if token := entry.get("identitytoken"):
        return IdentityToken(Secret(token), origin, username or "<token>")
    if not username:
        if password:
            raise ValueError("it has no user name")
        return None
    return UserPassword(username, Secret(password), origin)


def _split(auth: str) -> tuple[str, str]:
    """Go skips line breaks in base64, and go-containerregistry takes it without padding."""
    text = "".join(auth.split()).rstrip("=")
    decoded: str | None
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        decoded = None
    # Outside of `except`: a UnicodeDecodeError holds the bytes.
    if decoded is None:
        raise ValueError("its auth is not base64")
    username, colon, password = decoded.partition(":")
    if not colon:
        raise ValueError("its auth is not user:password")
    return username, password.strip("\0")
