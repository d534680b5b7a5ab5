"""What a token allows. GitLab drops actions that it denies without a word, so the token itself is read, not only used.

The token is a JWT of gitlab-org/gitlab, app/services/auth/container_registry_authentication_service.rb; the rules in it
are applied by gitlab-org/container-registry, registry/handlers/manifests.go.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from holystone.adapters.http.reply import printable
from holystone.adapters.registries.tag_rules import compile_rule, take_too_long
from holystone.engine.model.references import RepositoryPath, Tag

_MOST_PATTERNS: Final = 5
_LONGEST_PATTERN: Final = 100
"""Bytes. With more or longer ones the registry refuses every tag (tagPatternMaxCount, tagPatternMaxLen)."""


class GrantedRights(msgspec.Struct, frozen=True):
    actions: frozenset[str]
    protected: tuple[str, ...] = ()
    """RE2 patterns of tags that this user may not delete (protected tags)."""
    immutable: tuple[str, ...] = ()
    """Rules for tags that nobody may (immutable tags)."""
    project: str = ""
    """The whole path of the project that the repository is in; empty where the token does not say it."""

    @property
    def may_delete(self) -> bool:
        return not self.actions.isdisjoint(("delete", "*"))

    @property
    def rule_for_digests(self) -> str | None:
        """Any rule at all, matching or not, forbids every deletion by digest (validateManifestDeleteRestriction)."""
        if not (self.protected or self.immutable):
            return None
        return "the project has rules for tags, and then GitLab refuses every deletion by digest"

    def rule(self, tag: Tag) -> str | None:
        """The rule that forbids to delete this tag, for people; None if none does."""
        return self.locked((tag,)).get(tag)

    def locked(self, tags: Iterable[Tag]) -> dict[Tag, str]:
        """The tags that a rule locks, each with the rule. Its words are one text for all tags: there may be half a
        million."""
        tags, rules = tuple(tags), self._rules()
        if take_too_long((rule.expression for rule in rules if rule.expression), tags):
            rules = (_Rule(f"GitLab's rules for tags, which take too long to be tried on {len(tags):,} tags", None),)
        found = ((tag, next((rule for rule in rules if rule.covers(tag)), None)) for tag in tags)
        return {tag: rule.words for tag, rule in found if rule}

    def _rules(self) -> tuple["_Rule", ...]:
        count = len(self.protected) + len(self.immutable)
        if count > _MOST_PATTERNS:
            words = f"{count} rules for tags in GitLab, of which the registry takes only {_MOST_PATTERNS}"
            return (_Rule(words, None),)
        kinds = (("protected", self.protected), ("immutable", self.immutable))
        return tuple(_rule(kind, pattern) for kind, patterns in kinds for pattern in patterns)


class _Rule(NamedTuple):
    words: str
    expression: Any
    """None: it is about every tag."""

    def covers(self, tag: Tag) -> bool:
        return self.expression is None or bool(self.expression.search(tag))


class _Meta(msgspec.Struct):
    tag_deny_access_patterns: dict[str, list[str] | None] | None = None
    tag_immutable_patterns: list[str] | None = None
    project_path: str = ""


class _Access(msgspec.Struct):
    type: str
    name: str
    actions: list[str] | None = None
    meta: _Meta | None = None


class _Claims(msgspec.Struct):
    access: list[_Access] | None


def read_rights(claims: Mapping[str, Any], path: RepositoryPath) -> GrantedRights | None:
    """The rights that a token's claims say; None if they are not those of a registry token, so that nothing is known
    before asking the registry itself."""
    try:
        access = msgspec.convert(dict(claims), type=_Claims).access or ()
    except msgspec.ValidationError:
        return None
    entries = [each for each in access if (each.type, each.name) == ("repository", path)]
    metas = [each.meta for each in entries if each.meta]
    return GrantedRights(
        actions=frozenset(action for each in entries for action in each.actions or ()),
        protected=_once(
            pattern for meta in metas for pattern in (meta.tag_deny_access_patterns or {}).get("delete") or ()
        ),
        immutable=_once(pattern for meta in metas for pattern in meta.tag_immutable_patterns or ()),
        project=next((meta.project_path for meta in metas), ""),
    )


def _once(patterns: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(patterns))


def _rule(kind: str, pattern: str) -> _Rule:
    words = f"GitLab's rule for {kind} tags {printable(pattern, _LONGEST_PATTERN)!r}"
    expression = _compiled(pattern)
    if expression is None:
        words = f"{words}, which the registry cannot read"
    return _Rule(words, expression)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    """The rule as an expression; None if the registry (Go's regexp, the same language) would not take it."""
    if len(pattern.encode("utf-8", "surrogatepass")) > _LONGEST_PATTERN:
        return None
    return compile_rule(pattern)
