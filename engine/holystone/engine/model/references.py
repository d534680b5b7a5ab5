"""Names of things in a registry. Each type is a checked string with one `parse`, so that an unchecked
string from the wire, a file or an option cannot reach the core.

Grammar: OCI distribution specification 1.1, "Pulling manifests"; distribution/reference.
"""

import hashlib
import re
from ipaddress import IPv6Address
from typing import ClassVar, Final, Self

from holystone.engine.model.value import Value

_LONGEST_QUOTED: Final = 300


class InvalidName(ValueError):
    """A host, repository, tag, digest or commit that breaks its grammar."""


def _quoted(text: str) -> str:
    """Whole or not at all: half a secret that a server repeats would not be known for one where it is printed."""
    return repr(text) if len(text) <= _LONGEST_QUOTED else f"a text of {len(text):,} characters"


class _Name(str):
    """A string that matched its grammar. Ordered and hashable as the string it is."""

    __slots__ = ()

    _grammar: ClassVar[re.Pattern[str]]
    _what: ClassVar[str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises InvalidName."""
        if not cls._grammar.fullmatch(text):
            raise InvalidName(f"{_quoted(text)} is not a valid {cls._what}")
        return cls(text)

    @classmethod
    def pattern(cls) -> str:
        """The grammar, for a JSON Schema."""
        return cls._grammar.pattern


class RegistryHost(_Name):
    """`host` or `host:port`, lower case, with a port that there can be; an IPv6 address stands in brackets."""

    __slots__ = ()
    _grammar = re.compile(
        r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])"
        r"(?::0*(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
    )
    _what = "registry host"

    @classmethod
    def parse(cls, text: str) -> Self:
        host = super().parse(text.lower())
        if host.startswith("["):
            try:
                IPv6Address(host[1 : host.index("]")])
            except ValueError as error:
                raise InvalidName(f"{_quoted(text)} is not a valid {cls._what}: {error}") from error
        return host


class RepositoryPath(_Name):
    """The part of a repository's name after the host, e.g. `team/app`."""

    __slots__ = ()
    _grammar = re.compile(
        r"(?=.{1,255}\Z)[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
    )
    _what = "repository name"


class Tag(_Name):
    __slots__ = ()
    _grammar = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
    _what = "tag"


class Digest(_Name):
    """`algorithm:hex`. Only sha256 and sha512 are accepted: others cannot be verified everywhere."""

    __slots__ = ()
    _grammar = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
    _what = "digest"

    @classmethod
    def of(cls, body: bytes, algorithm: str = "sha256") -> Self:
        """`algorithm` is sha256 or sha512; raises InvalidName for any other."""
        return cls.parse(f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}")

    def matches(self, body: bytes) -> bool:
        return hashlib.new(self.algorithm, body).hexdigest() == self.hex

    @property
    def algorithm(self) -> str:
        return self.partition(":")[0]

    @property
    def hex(self) -> str:
        return self.partition(":")[2]

    @property
    def short(self) -> str:
        """The first twelve hex digits, for people."""
        return self.hex[:12]


class Commit(_Name):
    """A full git object id, SHA-1 or SHA-256."""

    __slots__ = ()
    _grammar = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
    _what = "git commit id"


class ImageName(_Name):
    """An image's name in the project's configuration. The empty string is the nameless image (`image: ~`)."""

    __slots__ = ()
    _grammar = re.compile(r"[^\s:@]*")
    _what = "image name"

    @property
    def shown(self) -> str:
        """The name for people, and for command lines: `~` is the nameless image."""
        return self or "~"


class Repository(Value, frozen=True, order=True):
    host: RegistryHost
    path: RepositoryPath

    @property
    def canonical(self) -> "Repository":
        """Equal for all spellings of one repository: the port of HTTPS may be written or left out."""
        host = self.host.removesuffix(":443")
        return self if host == self.host else Repository(RegistryHost(host), self.path)

    def __str__(self) -> str:
        return f"{self.host}/{self.path}"


class Reference(Value, frozen=True, order=True):
    """One tag of one repository."""

    repository: Repository
    tag: Tag

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}"
