"""Harbor's tag retention policies as keep rules.

What they mean is Harbor's own code (goharbor/harbor, 2026): `src/pkg/retention/launcher.go` (which rules are about
which repository), `policy/models.go`, `policy/rule/models.go` and `policy/rule/index` (what a policy says),
`policy/alg/or`, `policy/rule/*/evaluator.go`, `policy/action/performer`, `dep/client.go` and
`src/lib/selector/selectors/doublestar`:

- A repository that no rule is about is left alone. Of another, what any of its rules retains stays; the rest goes.
- It is artifacts that stay and go, with all their tags. `matches` selects one with any tag that matches, `excludes` one
  with any tag that does not; of several selectors each must select it.
- An artifact's time is that of its newest tag, also of one that the selector does not match; its pull the latest.
- `untagged` in a selector's `extras` says whether it selects artifacts without a tag.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from holystone.policies.retention.patterns import TagPattern, parse_tag_pattern
from holystone.policies.retention.rules import Entry, Seconds
from holystone.policies.retention_data.converted import (
    PLACEHOLDER,
    ConvertedEntry,
    ConvertedFile,
    ConvertedPolicy,
    checked_file,
)
from holystone.policies.retention_data.doublestar import repository_patterns_of, tag_patterns_of
from holystone.policies.retention_data.parts import Part

DAY: Final = 86_400
_POLICY_KEYS: Final = ("id", "algorithm", "rules", "trigger", "scope")
_RULE_KEYS: Final = (
    *("id", "priority", "disabled", "action", "template", "params", "tag_selectors", "scope_selectors"),
)
_SELECTOR_KEYS: Final = ("kind", "decoration", "pattern", "extras")
_COUNTS: Final = ("latestPushedK",)
_PUSHED: Final = ("nDaysSinceLastPush", "lastXDays")
_PULLED: Final = "nDaysSinceLastPull"
_UNSAYABLE: Final = ("latestPulledN", "latestActiveK")
_TEMPLATES: Final = ("always", *_COUNTS, *_PUSHED, _PULLED, *_UNSAYABLE)


class _Selector(msgspec.Struct, frozen=True):
    excludes: bool
    patterns: tuple[TagPattern, ...]
    text: str
    untagged: bool
    """Whether it selects artifacts without a tag."""


class _Scope(msgspec.Struct, frozen=True):
    repositories: tuple[str, ...]
    """Within the project."""
    except_: tuple[str, ...]
    text: str
    is_exact: bool
    """Whether it is about the same repositories here as in Harbor."""


class _Rule(msgspec.Struct, frozen=True):
    number: int
    template: str
    value: int
    selectors: tuple[_Selector, ...]
    scope: _Scope

    @property
    def untagged(self) -> bool:
        return all(each.untagged for each in self.selectors)


def from_harbor(part: Part, repository: str | None) -> ConvertedFile:
    """A policy, as `GET /api/v2.0/retentions/{id}` tells it. `repository`: the project, which the policy names by a
    number alone. Raises PolicyError."""
    keys = part.keys(_POLICY_KEYS, {"rules": "what stays"})
    if "algorithm" in keys:
        keys["algorithm"].one_of("or")
    if "scope" in keys:
        scope = keys["scope"].keys(("level", "ref"))
        if "level" in scope:
            scope["level"].one_of("project")
    rules = [_rule(each, number) for number, each in enumerate(keys["rules"].listed("rules"), start=1)]
    active = [each for each in rules if each is not None]
    if not active:
        raise keys["rules"].wrong("no rule here is switched on, so that Harbor does nothing")
    scopes = list(dict.fromkeys(each.scope for each in active))
    scopes.sort(key=_is_all)
    policies = tuple(
        _policy(scope, _about(scopes, position, active), repository, position + 1)
        for position, scope in enumerate(scopes)
    )
    off = [str(number) for number, each in enumerate(rules, start=1) if each is None]
    comments = (f"Switched off in Harbor, and left out: rule {', '.join(off)}.",) if off else ()
    return checked_file(part, ConvertedFile("a tag retention policy of Harbor", policies, comments))


def _is_all(scope: _Scope) -> bool:
    return "**" in scope.repositories and not scope.except_


def _about(scopes: Sequence[_Scope], position: int, rules: Sequence[_Rule]) -> Sequence[_Rule]:
    """The rules that may be about a repository for which the policy of this scope decides. Here the first policy
    decides alone: so it has the rules of later scopes, and of an earlier one where that takes less here than there."""
    scope = scopes[position]
    others = [each for each in scopes[:position] if not each.is_exact] + [*scopes[position + 1 :]]
    meant = {scope, *(each for each in others if _may_meet(each, scope))}
    return [each for each in rules if each.scope in meant]


def _policy(scope: _Scope, about: Sequence[_Rule], project: str | None, number: int) -> ConvertedPolicy:
    comments = [f"Of the repositories {scope.text}."]
    if any(each.scope != scope and not _is_all(each.scope) for each in about):
        comments.append("Some of these rules are about part of the repositories alone in Harbor; here more stays.")
    after, why = _untagged(about)
    where = project or PLACEHOLDER
    return ConvertedPolicy(
        f"harbor {number}",
        tuple(f"{where}/{each}" for each in scope.repositories),
        tuple(_entry(each) for each in about),
        tuple(f"{where}/{each}" for each in scope.except_),
        after,
        why,
        tuple(comments),
    )


def _may_meet(one: _Scope, other: _Scope) -> bool:
    def is_name(patterns: Sequence[str]) -> bool:
        return not any({"*", "?"} & set(each) for each in patterns)

    names = is_name(one.repositories) and is_name(other.repositories)
    return not names or bool(set(one.repositories) & set(other.repositories))


def _rule(part: Part, number: int) -> _Rule | None:
    """None: it is switched off."""
    keys = part.keys(
        _RULE_KEYS,
        {
            "template": "what the rule is about",
            "tag_selectors": "which tags it is about",
            "scope_selectors": "which repositories it is about",
        },
    )
    if "action" in keys:
        keys["action"].one_of("retain")
    template = keys["template"].one_of(*_TEMPLATES)
    value = _value(keys.get("params"), template, part)
    selectors = tuple(map(_selector, keys["tag_selectors"].listed("selectors")))
    if not selectors:
        raise keys["tag_selectors"].wrong("nothing in it")
    scope = _scope(keys["scope_selectors"])
    disabled = "disabled" in keys and keys["disabled"].truth()
    return None if disabled else _Rule(number, template, value, selectors, scope)


def _value(params: Part | None, template: str, rule: Part) -> int:
    """The one number of a rule; 0 where it has none."""
    known = (template,) if template != "always" else ()
    named = {} if params is None or params.data is None else params.named()
    for key in named:
        if key not in known:
            raise named[key].wrong(f"{template} has no such parameter")
    if not known:
        return 0
    if template not in named:
        raise rule.wrong(f"params.{template}: is missing; it says how many")
    return 0 if named[template].text("a number") == "0" else named[template].count()


def _selector(part: Part) -> _Selector:
    keys = part.keys(_SELECTOR_KEYS, {"decoration": "matches or excludes", "pattern": "which tags"})
    if "kind" in keys:
        keys["kind"].one_of("doublestar")
    excludes = keys["decoration"].one_of("matches", "excludes") == "excludes"
    text = keys["pattern"].text("a pattern of tags")
    try:
        patterns = tag_patterns_of(text)
    except ValueError as error:
        raise part.wrong(str(error)) from error
    untagged = _extras(keys.get("extras"))
    if untagged is None:
        return _Selector(excludes, patterns, text, untagged=True)  # what Harbor takes it for in both cases
    return _Selector(excludes, patterns, text, untagged != excludes)


class _Extras(msgspec.Struct, forbid_unknown_fields=True):
    untagged: bool = False


def _extras(part: Part | None) -> bool | None:
    """Whether artifacts without a tag are meant; None: unsaid. Raises PolicyError."""
    if part is None or not part.data:
        return None
    try:
        return msgspec.json.decode(part.text("JSON"), type=_Extras).untagged
    except msgspec.MsgspecError as error:
        raise part.wrong(str(error)) from error


def _scope(part: Part) -> _Scope:
    keys = part.keys(("repository",), {"repository": "which repositories the rule is about"})
    included: list[tuple[str, ...]] = []
    excepted: list[str] = []
    texts: list[str] = []
    for each in keys["repository"].listed("selectors"):
        said = each.keys(_SELECTOR_KEYS, {"decoration": "repoMatches or repoExcludes", "pattern": "which repositories"})
        if "kind" in said:
            said["kind"].one_of("doublestar")
        matches = said["decoration"].one_of("repoMatches", "repoExcludes") == "repoMatches"
        text = said["pattern"].text("a pattern of repositories")
        try:
            patterns = repository_patterns_of(text, wide=not matches)
        except ValueError as error:
            raise said["pattern"].wrong(str(error)) from error
        if matches:
            included.append(patterns)
        else:
            excepted += patterns
        texts.append(f"that match {text}" if matches else f"that do not match {text}")
    if len(included) > 1:
        raise part.wrong("more than one repoMatches, of which each must match; that cannot be said here")
    whole, others = included[0] if included else ("**",), tuple(excepted)
    is_exact = not any(each.endswith("/**") for each in (*whole, *others))
    return _Scope(whole, others, " and ".join(texts) or "of the project", is_exact)


def _entry(rule: _Rule) -> ConvertedEntry:
    first, *more = rule.selectors
    words = [f"{'not ' if each.excludes else ''}{each.text or '**'}" for each in rule.selectors]
    said = f"Rule {rule.number}, of tags {' and '.join(words)}: {rule.template}"
    said += f" {rule.value:,}." if rule.template != "always" else "."
    whole = Entry(
        tags=None if first.excludes else first.patterns,
        except_=first.patterns if first.excludes else (),
        with_siblings=True,
        optional=not first.excludes,
    )
    every = not first.excludes and parse_tag_pattern("*") in first.patterns
    if rule.template != "always" and not rule.value:
        return ConvertedEntry(None, (said, "That keeps nothing, and is left out."))
    if rule.template in _UNSAYABLE:
        return ConvertedEntry(whole, (said, "Pulls are not counted here: all that it selects stays."))
    if more and rule.template in _COUNTS:
        return ConvertedEntry(
            whole, (said, "Of several selectors an entry has the first: it is not counted, all stays.")
        )
    entry, why = _limited(rule, whole, every=every)
    several = " Of several selectors it has the first: more stays." if more else ""
    return ConvertedEntry(entry, (said, f"{why}{several}"))


_LATER: Final = (
    " An artifact that got a tag of another kind later is as new as that tag in Harbor, and as new as its newest tag "
    "of this kind here: write an entry for such tags, if there are any."
)


def _limited(rule: _Rule, whole: Entry, *, every: bool) -> tuple[Entry, str]:
    if rule.template == "always":
        return whole, "The same as in Harbor."
    later = "" if every else _LATER
    if every:
        whole = Entry()
    if rule.template in _COUNTS:
        untagged = " Harbor counts what has no tag, too; it takes no place here." if rule.untagged else ""
        return msgspec.structs.replace(whole, newest=rule.value), f"The same as in Harbor.{untagged}{later}"
    within = rule.value * DAY
    if rule.template == _PULLED:
        return (
            msgspec.structs.replace(whole, pulled_within=within),
            "What was never pulled counts from its push here, and goes at once in Harbor.",
        )
    return msgspec.structs.replace(whole, pushed_within=within), f"The same as in Harbor.{later}"


def _untagged(rules: Sequence[_Rule]) -> tuple[Seconds | None, tuple[str, ...]]:
    selecting = [each for each in rules if each.untagged and (each.value or each.template == "always")]
    if not selecting:
        return None, (
            "No rule keeps artifacts without a tag, and Harbor deletes them at once. Here they are left alone, unless "
            "you say after which time they go: `untagged: {after: 1d}`.",
        )
    if all(each.template in _PUSHED for each in selecting):
        return max(each.value for each in selecting) * DAY, (
            "Artifacts without a tag, counted from the later of the push and the first run that found them so.",
        )
    return None, ("Artifacts without a tag are left alone, since some rule keeps some of them.",)
