"""Branches as those who make tags write them.

docker/metadata-action (`sanitizeTag` in src/meta.ts, July 2026) makes one `-` of each run of characters that no tag can
have. GitLab's CI_COMMIT_REF_SLUG (`slugify` in gems/gitlab-utils) lowers, makes `-` of each character that is no letter
or digit, cuts to 63 and takes `-` off both ends. People's own scripts make `-` or `_` of `/`, or `-` of each odd
character. Letters are compared without their case, since scripts lower them: too much is kept, never too little.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from holystone.engine.model.history import GitReference
from holystone.policies.retention.commits import CommitIndex

_LONGEST_TAG: Final = 128
_LONGEST_SLUG: Final = 63
_ODD: Final = re.compile(r"[^A-Za-z0-9._-]")
_ODD_RUN: Final = re.compile(r"[^A-Za-z0-9._-]+")
_NOT_IN_SLUG: Final = re.compile(r"[^a-z0-9]")


def spellings(branch: str) -> Iterator[str]:
    """How the branch may stand in a tag; not each of them differs from the others."""
    yield branch
    yield branch.replace("/", "-")
    yield branch.replace("/", "_")
    yield _ODD_RUN.sub("-", branch)[:_LONGEST_TAG]
    yield _ODD.sub("-", branch)[:_LONGEST_TAG]
    yield _NOT_IN_SLUG.sub("-", branch.lower())[:_LONGEST_SLUG].strip("-")


class Branches(NamedTuple):
    """The branches of a clone, found by any spelling."""

    heads: CommitIndex
    """Of all of them."""
    by_spelling: Mapping[str, CommitIndex]

    @classmethod
    def of(cls, branches: Iterable[GitReference]) -> "Branches":
        found: defaultdict[str, set[str]] = defaultdict(set)
        heads: set[str] = set()
        for each in branches:
            heads.add(each.commit)
            for text in set(spellings(each.name)):
                found[text.lower()].add(each.commit)
        return cls(CommitIndex(heads), {text: CommitIndex(commits) for text, commits in found.items()})

    def called(self, text: str) -> CommitIndex | None:
        """The heads of those that may be meant; None where there is no such branch."""
        return self.by_spelling.get(text.lower())
