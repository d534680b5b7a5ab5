"""Clones that hold only some of origin's branches, or none of its tags."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

import pygit2

from holystone.adapters.git.listed import listed

_EVERYTHING: Final = "refs/heads/*:refs/remotes/origin/*"
_OWN: Final = "refs/heads/"
"""A person's own branches, which say nothing about origin's."""


def is_narrow(repository: pygit2.Repository) -> bool:
    """Whether the clone is set up to fetch a part (`--single-branch`, `--depth`, `--no-tags`), and holds no more than
    that, which would show a fetch of everything since. What one `git fetch` with refspecs of its own left out, only
    origin can tell. Raises what pygit2 raises."""
    config = repository.config
    names = _names(repository)
    if "remote.origin.tagopt" in config and config["remote.origin.tagopt"] == "--no-tags":
        return not any(name.startswith("refs/tags/") for name in names)
    refspecs = [each.lstrip("+") for each in config.get_multivar("remote.origin.fetch") if each]
    if not refspecs or _EVERYTHING in refspecs:
        return False
    branches = [name for name in names if name.startswith("refs/remotes/origin/") and not name.endswith("/HEAD")]
    return all(_is_fetched(name, refspecs) for name in branches)


def left_out(repository: pygit2.Repository) -> tuple[str, ...]:
    """Negative refspecs of which the clone holds nothing, as after a fetch that went by them. Raises what pygit2
    raises."""
    names = _names(repository)
    held = [name.replace("refs/remotes/origin/", "refs/heads/", 1) for name in names if not name.startswith(_OWN)]
    negative = [each for each in repository.config.get_multivar("remote.origin.fetch") if each and each.startswith("^")]
    return tuple(each for each in negative if not any(fnmatchcase(name, each[1:]) for name in held))


def _names(repository: pygit2.Repository) -> list[str]:
    return [each.raw_name.decode(errors="replace") for each in listed(repository)]


def fetches_tags(repository: pygit2.Repository) -> bool:
    """Whether a fetch is set to bring all tags. If not, git brings along the tags of the commits that it happens to
    fetch. Raises what pygit2 raises."""
    config = repository.config
    if "remote.origin.tagopt" in config and config["remote.origin.tagopt"] == "--tags":
        return True
    refspecs = [each.lstrip("+") for each in config.get_multivar("remote.origin.fetch") if each]
    return "refs/tags/*:refs/tags/*" in refspecs or "refs/*:refs/*" in refspecs


def _is_fetched(name: str, refspecs: Iterable[str]) -> bool:
    # A reference's name cannot hold any of the characters that are special in a pattern.
    return any(fnmatchcase(name, refspec.partition(":")[2]) for refspec in refspecs)
