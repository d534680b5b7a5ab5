"""Names as Docker reads them: image references, and the addresses that options take.

Grammar: distribution/reference (`ParseNormalizedNamed`); OCI distribution specification 1.1.
"""

import re
from typing import Final

import msgspec

from holystone.engine.model.addresses import Address, defaults_to_plain_http, hostname
from holystone.engine.model.references import Digest, InvalidName, RegistryHost, Repository, RepositoryPath, Tag

__all__ = [
    "DEFAULT_REGISTRY",
    "Address",
    "ImageReference",
    "defaults_to_plain_http",
    "has_user_info",
    "hostname",
    "parse_address",
    "parse_reference",
    "repository_of",
]

DEFAULT_REGISTRY: Final = RegistryHost("docker.io")
"""Where names without a registry live."""
DEFAULT_REGISTRY_ALIASES: Final = frozenset({"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
"""Other spellings of the same registry."""
DEFAULT_ACCOUNT: Final = "library"
"""Where names of a single part live on the default registry."""
DEFAULT_TAG: Final = Tag("latest")

_IMAGE_ID: Final = re.compile(r"[0-9a-f]{64}")
_LIKE_A_DIGEST: Final = re.compile(r"(?:sha|md|blake)[0-9a-z]*:[^/]*", re.IGNORECASE)
"""Valid or not. No host is named so."""


class ImageReference(msgspec.Struct, frozen=True, order=True):
    """An image as a pod or a person names it."""

    repository: Repository
    tag: Tag | None = None
    digest: Digest | None = None

    @property
    def pulled(self) -> Tag | Digest:
        """What a client asks the registry for: a digest wins over a tag, and neither means `latest`."""
        return self.digest or self.tag or DEFAULT_TAG

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def has_user_info(text: str) -> bool:
    """Whether what stands before an `@` may be a name and a password: before a digest it is a repository."""
    before, at, after = text.rpartition("@")
    return bool(at) and ("@" in before or not _LIKE_A_DIGEST.fullmatch(after.rstrip("/")))


def _check_user_info(text: str) -> None:
    if has_user_info(text):
        raise InvalidName("what stands before '@' looks like a name or a password, and is not shown: leave it out")


def parse_reference(text: str) -> ImageReference:
    """The image that a reference names, by Docker's grammar. Raises InvalidName."""
    _check_user_info(text)
    host, rest = _split(text)
    name, at, digest = rest.partition("@")
    tag: str | None = None
    if ":" in name.rpartition("/")[2]:
        name, _, tag = name.rpartition(":")
    path = _path(name, text)
    return ImageReference(
        repository=repository_of(Address(host, path)),
        tag=None if tag is None else Tag.parse(tag),
        digest=Digest.parse(digest) if at else None,
    )


def parse_address(text: str) -> Address:
    """A registry or a repository, as `--images-repo` and `--stages-storage` take them. Raises InvalidName."""
    _check_user_info(text)
    name = text.rstrip("/")
    if "@" in name:
        raise InvalidName(f"{text!r} contains a digest: leave out everything from '@' on")
    if "/" not in name and ("." in name or ":" in name):
        return Address(_host(name, text))
    host, path = _split(name)
    last, colon, _ = path.rpartition(":")
    if colon:
        raise InvalidName(f"{text!r} contains a tag: leave out {path[len(last) :]!r}")
    account, _, single = path.partition("/")
    if host == DEFAULT_REGISTRY and account == DEFAULT_ACCOUNT and single and "/" not in single:
        path = single
    return Address(host, _path(path, text))


def repository_of(address: Address) -> Repository:
    """The repository at an address. Raises InvalidName for an address that is only a registry."""
    if address.path is None:
        raise InvalidName(f"{address} is a registry: add the name of a repository, as in {address}/NAME")
    if address.host == DEFAULT_REGISTRY and "/" not in address.path:
        return Repository(address.host, RepositoryPath.parse(f"{DEFAULT_ACCOUNT}/{address.path}"))
    return Repository(address.host, address.path)


def _split(text: str) -> tuple[RegistryHost, str]:
    """Registry and everything behind it."""
    if _IMAGE_ID.fullmatch(text):
        raise InvalidName(f"{text!r} looks like an image id: a name of 64 hexadecimal digits is not allowed")
    first, slash, rest = text.partition("/")
    # An upper-case letter cannot be part of a repository's name, so such a part can only be a host.
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        return _host(first, text), rest
    return DEFAULT_REGISTRY, text


def _host(host: str, text: str) -> RegistryHost:
    if "://" in text:
        raise InvalidName(f"{text[:300]!r} contains a scheme: leave out everything up to '://'")
    try:
        parsed = RegistryHost.parse(host)
    except InvalidName as error:
        raise InvalidName(f"{text[:300]!r}: {host[:200]!r} is neither HOST nor HOST:PORT") from error
    return DEFAULT_REGISTRY if parsed in DEFAULT_REGISTRY_ALIASES else parsed


def _path(path: str, text: str) -> RepositoryPath:
    try:
        return RepositoryPath.parse(path)
    except InvalidName as error:
        if path != path.lower():
            raise InvalidName(f"{text[:300]!r}: a repository's name must be lower case") from error
        raise InvalidName(f"{text[:300]!r}: {path[:300]!r} is not a valid repository name") from error
