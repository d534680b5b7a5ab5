"""Immutable tags: those that a rule of the repository matches can be neither moved nor deleted
(docs.docker.com/docker-hub/repos/manage/hub-images/immutable-tags)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from holystone.adapters.http.reply import printable
from holystone.adapters.registries.tag_rules import compile_rule, take_too_long
from holystone.engine.model.references import Tag


class ImmutableTags(msgspec.Struct):
    """`immutable_tags_settings` of a repository. Seen with `rules: [".*"]` on repositories where it is off."""

    enabled: bool = False
    rules: list[str] | None = None


_MOST_RULES: Final = 100
_LONGEST_RULE: Final = 1000
_SHOWN: Final = 200
"""Characters."""


def locked(settings: ImmutableTags | None, tags: Iterable[Tag]) -> Mapping[Tag, str]:
    """Each locked tag with its rule, for people, in words that all tags share. Rules are Go's regular expressions, i.e.
    RE2; that they may match anywhere in a tag, as Go's do, is not documented: if they must match all of it, more is
    kept here than need be. A rule that cannot be understood, or none at all, locks everything."""
    if settings is None or not settings.enabled:
        return {}
    if len(settings.rules or ()) > _MOST_RULES:
        return dict.fromkeys(tags, f"immutable tags are on, with more than {_MOST_RULES} rules")
    rules: list[tuple[str, Any]] = []
    for rule in settings.rules or ():
        shown = repr(printable(rule, _SHOWN))
        expression = compile_rule(rule) if len(rule) <= _LONGEST_RULE else None
        if expression is None:
            return dict.fromkeys(tags, f"immutable tags are on, and their rule {shown} cannot be understood")
        rules.append((f"immutable tags: the rule {shown}", expression))
    if not rules:
        return dict.fromkeys(tags, "immutable tags are on, for all tags")
    tags = tuple(tags)
    if take_too_long((expression for _, expression in rules), tags):
        return dict.fromkeys(tags, f"immutable tags are on, and their rules take too long to be tried on {len(tags):,}")
    return {
        tag: found
        for tag in tags
        if (found := next((words for words, expression in rules if expression.search(tag)), None)) is not None
    }
