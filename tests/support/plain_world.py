"""A project as plain data: what is tagged where, what git has, and what the user asked for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

REPO = "shop"
HOST = "registry.example"


def by_number(name: str) -> tuple[list[str | int], int, str]:
    """By what names are in natural order: `1.10` after `1.9`."""
    parts = re.split("([0-9]+)", name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], len(name), name


@dataclass(frozen=True, eq=False)
class Image:
    """One manifest with its configuration."""

    manifest: str
    config: str
    """The image id."""
    created: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None
    """An image id."""


Contents: TypeAlias = Mapping[str, Mapping[str, Image | None]]
"""Repository → tag → image; None for one that cannot be read. A repository that is not here does not exist."""


@dataclass(frozen=True)
class Ref:
    kind: Literal["branch", "tag"]
    name: str
    commit: str
    date: int


@dataclass(frozen=True)
class World:
    now: int
    mode: Literal["monorepo", "multirepo"]
    storage: str
    """The stages storage's repository; it may be that of the images."""
    configured: Sequence[str]
    """Images of werf.yaml."""
    contents: Contents
    parents: Mapping[str, Sequence[str]]
    """Of every commit that exists."""
    times: Mapping[str, int]
    refs: Sequence[Ref]
    policies: Sequence[Any]
    """As in werf.yaml."""
    v1_2: bool
    strategies: Mapping[str, tuple[int | None, int | None]] | None
    """Limit and days by strategy; None: git history decides."""
    grace: int
    images: bool
    """Whether that half is cleaned."""
    stages: bool
    used: Sequence[str]
    """As a cluster names images."""

    def repository(self, image: str) -> str:
        return REPO if self.mode == "monorepo" or not image else f"{REPO}/{image}"
