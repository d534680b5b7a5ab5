"""Which vendor's API a registry speaks, and which images repo modes werf 1.1 allows there."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from holystone.adapters.registries.implementations import IMPLEMENTATIONS
from holystone.adapters.registries.signs import Signs, recognize
from holystone.engine.errors import UsageError
from holystone.engine.model.addresses import Address, ModeRules, hostname
from holystone.engine.model.plan import ToldBy
from holystone.engine.model.references import RegistryHost

# The first match wins, and always of the whole host: gcr.io.example.com is nobody's. Beyond werf's own list:
# ECR's partitions and dual-stack hosts (awslabs/amazon-ecr-credential-helper, ecr-login/api/client.go), ACR's
# sovereign clouds (Azure/azure-cli, cloud.py), Artifact Registry, ghcr.io and registry.gitlab.com.
_HOSTS: Final = tuple(
    (implementation, re.compile(pattern))
    for implementation, pattern in (
        (
            "ecr",
            r"[0-9]{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9][a-z0-9-]*\.(amazonaws\.(com|com\.cn|eu)|on\.aws|"
            r"on\.amazonwebservices\.com\.cn|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)",
        ),
        ("acr", r".+\.azurecr\.(io|cn|us|sovcloud-azure\.fr)"),
        ("dockerhub", r"docker\.io|index\.docker\.io|registry-1\.docker\.io|registry\.hub\.docker\.com"),
        ("gcr", r"container\.cloud\.google\.com|gcr\.io|.+\.gcr\.io|.+\.pkg\.dev"),
        ("github", r"docker\.pkg\.github\.com|ghcr\.io|containers\.[^.]+\.ghe\.com"),
        ("gitlab", r"gitlab\.com|registry\.gitlab\.com"),
        ("harbor", r"harbor\..+|demo\.goharbor\.io"),
        ("quay", r"quay\.io|quay\..+\.com"),
    )
)
_ANYBODYS: Final = re.compile(r"harbor\..+|quay\..+\.com")
"""Names among these that anybody can give to a host of his own."""

# Hosts whose names look like a vendor's but which nobody can clean through that vendor's API.
_CLOSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "public.ecr.aws": "ECR Public has an API of its own, which is not supported.",
        "ecr-public.aws.com": "ECR Public has an API of its own, which is not supported.",
        "mirror.gcr.io": "It is a read-only mirror.",
        "marketplace.gcr.io": "It is read-only.",
    }
)

_NO_SIGNS: Final = Signs()
_NESTED: Final = ModeRules()
_DOCKER_HUB: Final = ModeRules(account=("ACCOUNT",), nests=False)
_QUAY: Final = ModeRules(account=("NAMESPACE",), nests=False)
_GITHUB_DOCKER_REGISTRY: Final = ModeRules(account=("OWNER", "PROJECT"), repository="PACKAGE", nests=False)
_GITHUB_CONTAINER_REGISTRY: Final = ModeRules(account=("OWNER",), repository="PACKAGE")


class Identity(NamedTuple):
    implementation: str
    told_by: ToldBy


def detect(address: Address, override: str | None = None, signs: Signs = _NO_SIGNS) -> Identity:
    """What `named` says, else what the registry showed of itself; `default` if that is nobody's."""
    return named(address, override) or Identity(recognize(signs) or "default", "registry")


def named(address: Address, override: str | None = None) -> Identity | None:
    """`override` wins unless it is None, empty or `auto`; then the host's name. None where neither says anything.

    Raises UsageError for an unknown name and for a host that cannot be cleaned."""
    if override and override != "auto":
        if override not in IMPLEMENTATIONS:
            raise UsageError(
                f"{override!r} is not a registry implementation.",
                what_to_do=f"Choose one of {', '.join(sorted(IMPLEMENTATIONS))}, or auto.",
            )
        return Identity(override, "user")
    host = hostname(address.host)
    if why := _CLOSED.get(host):
        raise UsageError(f"The registry {address.host} cannot be cleaned. {why}")
    return next((Identity(name, "name") for name, pattern in _HOSTS if pattern.fullmatch(host)), None)


def is_vendors_own(host: RegistryHost, implementation: str) -> bool:
    """Whether nobody but the vendor can have this host's name, wherever the name comes from."""
    found = named(Address(host))
    return bool(found and found.implementation == implementation and not _ANYBODYS.fullmatch(hostname(host)))


def mode_rules(implementation: str, address: Address) -> ModeRules:
    """How an images repo at this address may look, for `resolve_mode`."""
    match implementation:
        case "dockerhub":
            return _DOCKER_HUB
        case "quay":
            return _QUAY
        case "github":
            # The Docker registry of GitHub Packages (docker.HOST on own servers) nests nothing; its successor does.
            is_old = hostname(address.host).startswith("docker.")
            return _GITHUB_DOCKER_REGISTRY if is_old else _GITHUB_CONTAINER_REGISTRY
        case _:
            return _NESTED
