"""Versions as Semantic Versioning orders them (semver.org 2.0.0), read from tags."""

from typing import NamedTuple, TypeAlias

import semver

_Identifier: TypeAlias = tuple[bool, int, str]


class TagVersion(NamedTuple):
    """Ordered by precedence: of what differs only in build metadata, neither is higher."""

    major: int
    minor: int
    patch: int
    is_release: bool
    prerelease: tuple[_Identifier, ...]

    @property
    def release(self) -> tuple[int, int, int]:
        return self.major, self.minor, self.patch


def parse_version(text: str) -> TagVersion | None:
    """The version that the text is; none is, e.g., `1.2`, `1.02.3` or `20260517`. One `v` may stand before it, and `_`
    for the `+` of build metadata, which no tag can have."""
    bare = text[1:] if text[:1] in ("v", "V") else text
    try:
        found = semver.Version.parse(bare.replace("_", "+")) if bare.isascii() else None
    except ValueError:
        return None
    if found is None:
        return None
    identifiers = found.prerelease.split(".") if found.prerelease else ()
    return TagVersion(
        found.major, found.minor, found.patch, not identifiers, tuple(_identifier(each) for each in identifiers)
    )


def _identifier(text: str) -> _Identifier:
    """Numbers come before words, and are compared as numbers."""
    return (False, int(text), "") if text.isdigit() else (True, 0, text)
