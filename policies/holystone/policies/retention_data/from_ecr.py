"""Amazon ECR's lifecycle policies as keep rules.

What they mean is AWS's own word, in the user guide's pages "Lifecycle policy properties", "Examples of lifecycle
policies" and "Automate the cleanup of images by using lifecycle policies" (lifecycle_policy_parameters,
lifecycle_policy_examples, LifecyclePolicies), November 2026:

- All rules are evaluated at the same time, each among all images that it matches, also those that another one expires.
- An image that matches the tagging requirements of a rule cannot be expired by one of lower priority (a higher number).
- A list of patterns or prefixes matches an image that has a tag of *each* of them.
- Images are sorted by when they were pushed, a digest once, whatever tags it has; all of its tags go with it.
- `sinceImagePulled` archives, and `sinceImageTransitioned` is about what is archived.

So an image stays if no rule matches it, or if the first that does leaves it. An entry can ask for one tag at a time,
and cannot ask what an earlier rule does with it; where that makes a difference the image stays.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from holystone.policies.retention.patterns import TagPattern, parse_tag_pattern, shown_pattern
from holystone.policies.retention.rules import Entry, Seconds
from holystone.policies.retention_data.converted import (
    PLACEHOLDER,
    ConvertedEntry,
    ConvertedFile,
    ConvertedPolicy,
    checked_file,
)
from holystone.policies.retention_data.parts import MOST_OF_A_UNIT, Part

DAY: Final = 86_400
_RULE_KEYS: Final = ("rulePriority", "description", "selection", "action")
_SELECTION_KEYS: Final = (
    *("tagStatus", "tagPatternList", "tagPrefixList", "storageClass", "countType", "countUnit", "countNumber"),
)
_LISTS: Final = ("tagPatternList", "tagPrefixList")
_COUNT: Final = "imageCountMoreThan"
_PUSHED: Final = "sinceImagePushed"
_PULLED: Final = "sinceImagePulled"
_ARCHIVED: Final = "sinceImageTransitioned"
_CHARACTERS: Final = re.compile(r"[A-Za-z0-9_.*-]+")


class _Rule(msgspec.Struct, frozen=True):
    priority: int
    description: str
    status: str
    """`tagged`, `untagged` or `any`."""
    patterns: tuple[TagPattern, ...]
    """All of which an image must have a tag of. None where `status` is not `tagged`."""
    expires: bool
    """Else it archives."""
    of_archived: bool
    newest: int | None
    within: Seconds | None

    @property
    def selects(self) -> str:
        """What it is about, in words."""
        if self.patterns:
            return " and ".join(map(shown_pattern, self.patterns))
        return "all images" if self.status == "any" else "images without a tag"


def from_ecr(part: Part, repository: str | None) -> ConvertedFile:
    """A lifecycle policy, as `aws ecr get-lifecycle-policy --query lifecyclePolicyText --output text` prints it.
    `repository`: which repositories it is about. Raises PolicyError."""
    rules = _rules(part.keys(("rules",), {"rules": "what goes"})["rules"])
    of_images = [each for each in rules if not each.of_archived]
    keep = [entry for number, rule in enumerate(of_images) for entry in _entries(rule, of_images[:number])]
    keep += [ConvertedEntry(None, (f"{_said(each)} {_OF_ARCHIVED}",)) for each in rules if each.of_archived]
    if not any(each.status == "any" for each in of_images):
        keep.append(_of_no_rule(of_images))
    after, why = _untagged(of_images)
    policy = ConvertedPolicy(
        "ecr", (repository or PLACEHOLDER,), tuple(keep), untagged_after=after, untagged_comments=why
    )
    return checked_file(part, ConvertedFile("a lifecycle policy of Amazon ECR", (policy,)))


_OF_ARCHIVED: Final = "is about archived images, which stay here, whatever a policy says."


def _rules(part: Part) -> Sequence[_Rule]:
    """By priority."""
    found: dict[int, _Rule] = {}
    for each in part.listed("rules"):
        rule = _rule(each)
        if rule.priority in found:
            raise each.wrong(f"another rule has the priority {rule.priority}, too")
        found[rule.priority] = rule
    rules = [found[priority] for priority in sorted(found)]
    of_images = [each for each in rules if not each.of_archived]
    for rule in of_images[:-1]:
        if rule.status == "any":
            raise part.wrong(f"rule {rule.priority} is about any image, and is not the last, which ECR refuses")
    if sum(each.status == "untagged" for each in of_images) > 1:
        raise part.wrong("two rules are about images without a tag, which ECR refuses")
    return rules


def _rule(part: Part) -> _Rule:
    keys = part.keys(
        _RULE_KEYS,
        {"rulePriority": "when it is its turn", "selection": "what it is about", "action": "what becomes of it"},
    )
    selection = keys["selection"].keys(
        _SELECTION_KEYS,
        {
            "tagStatus": "tagged, untagged or any",
            "countType": "what counts",
            "countNumber": "how many, or of how many days",
        },
    )
    status = selection["tagStatus"].one_of("tagged", "untagged", "any")
    kind = selection["countType"].one_of(_COUNT, _PUSHED, _PULLED, _ARCHIVED)
    number = selection["countNumber"].count()
    expires = _expires(keys["action"])
    if "countUnit" in selection:
        selection["countUnit"].one_of("days")
    if ("countUnit" in selection) == (kind == _COUNT):
        raise keys["selection"].wrong(f"countUnit: days goes with each countType but {_COUNT}")
    if expires and kind == _PULLED:
        raise selection["countType"].wrong(f"{_PULLED} archives, and expires nothing, by AWS's documentation")
    archived = "storageClass" in selection and selection["storageClass"].one_of("standard", "archive") == "archive"
    if archived != (kind == _ARCHIVED):
        raise keys["selection"].wrong(f"storageClass: archive and countType: {_ARCHIVED} go with each other")
    if number >= MOST_OF_A_UNIT and kind != _COUNT:
        raise selection["countNumber"].wrong(f"{MOST_OF_A_UNIT:,} days or more")
    return _Rule(
        keys["rulePriority"].count(),
        keys["description"].text("a description") if "description" in keys else "",
        status,
        _patterns(selection, status, keys["selection"]),
        expires,
        archived,
        number if kind == _COUNT else None,
        number * DAY if kind == _PUSHED else None,
    )


def _expires(part: Part) -> bool:
    keys = part.keys(("type", "targetStorageClass"), {"type": "expire or transition"})
    expires = keys["type"].one_of("expire", "transition") == "expire"
    if "targetStorageClass" in keys:
        keys["targetStorageClass"].one_of("archive")
    return expires


def _patterns(selection: dict[str, Part], status: str, whole: Part) -> tuple[TagPattern, ...]:
    given = [each for each in _LISTS if each in selection]
    if len(given) != (1 if status == "tagged" else 0):
        raise whole.wrong(f"tagStatus: tagged goes with either of {' and '.join(_LISTS)}, and each other with neither")
    found: list[TagPattern] = []
    for name in given:
        for each in selection[name].listed("patterns of tags"):
            text = each.text("a pattern of tags")
            if not _CHARACTERS.fullmatch(text) or ("*" in text and name == "tagPrefixList"):
                raise each.wrong(f"{text!r} matches no tag")
            try:
                pattern = parse_tag_pattern(f"{text}*" if name == "tagPrefixList" else text)
            except ValueError as error:
                raise each.wrong(str(error)) from error
            if pattern not in found:
                found.append(pattern)
    if given and not found:
        raise selection[given[0]].wrong("nothing in it")
    return tuple(found)


def _said(rule: _Rule) -> str:
    verb = "expires" if rule.expires else "archives"
    if rule.newest is not None:
        what = f"{verb} all but the newest {rule.newest:,}"
    elif rule.within is not None:
        what = f"{verb} what was pushed more than {rule.within // DAY:,} days ago"
    else:
        what = f"{verb} what has not been used for long"
    named = f" ({rule.description})" if rule.description else ""
    return f"Rule {rule.priority}{named}, of {rule.selects}: {what}."


def _entries(rule: _Rule, before: Sequence[_Rule]) -> Iterator[ConvertedEntry]:
    """What a rule leaves."""
    said = _said(rule)
    if rule.status == "untagged":
        return
    if len(rule.patterns) > 1:
        first = rule.patterns[:1]
        comment = _ALL_OF_THEM.format(shown_pattern(*first))
        yield ConvertedEntry(Entry(tags=first, with_siblings=True, optional=True), (said, comment))
    elif rule.newest is not None and rule.expires:
        tags = rule.patterns or None
        entry = Entry(tags=tags, newest=rule.newest, with_siblings=bool(tags), optional=bool(tags))
        yield ConvertedEntry(entry, (said, _counted(rule, before)))
    else:
        yield _not_counted(rule, before, said)


_ALL_OF_THEM: Final = (
    "To ECR the list means images that have a tag of each of them, which an entry cannot ask for. So all that has a "
    "tag {} stays, and if any of the patterns was meant, write an entry for each."
)


def _claiming(rule: _Rule, before: Sequence[_Rule]) -> Sequence[_Rule]:
    """Earlier rules that may expire what this one would keep."""
    others = [each for each in before if each.status != "untagged" and each.expires and len(each.patterns) == 1]
    if not rule.expires:  # it leaves all of its own
        return others
    return [
        each
        for each in others
        if not (
            (each.within is not None and rule.within is not None and rule.within <= each.within)
            or (
                each.newest is not None
                and rule.newest is not None
                and rule.status == "any"
                and rule.newest <= each.newest
            )
        )
    ]


def _counted(rule: _Rule, before: Sequence[_Rule]) -> str:
    untagged = " ECR counts images without a tag, too; they take no place here." if rule.status == "any" else ""
    if claiming := _claiming(rule, before):
        return f"Keeps more than ECR: what {_numbers(claiming)} expires stays if it is among these.{untagged}"
    return f"The same as in ECR.{untagged}"


def _not_counted(rule: _Rule, before: Sequence[_Rule], said: str) -> ConvertedEntry:
    """What is young enough of what it is about, or all of what it archives: nothing is archived here."""
    claiming = _claiming(rule, before)
    others = tuple(dict.fromkeys(each.patterns[0] for each in claiming if _may_share_a_tag(rule, each)))
    has_a_key = rule.expires or others
    tags = rule.patterns or (None if has_a_key else (parse_tag_pattern("*"),))
    entry = Entry(
        tags=tags,
        except_=others,
        pushed_within=rule.within if rule.expires else None,
        with_siblings=bool(rule.patterns),
        optional=bool(tags),
    )
    same = "The same as in ECR" if rule.expires else "Nothing is archived here, and all stays that it is about"
    if not claiming:
        return ConvertedEntry(entry, (said, f"{same}."))
    more = f"one that {_numbers(claiming)} expires stays if another of its tags is of this one."
    return ConvertedEntry(entry, (said, f"{same}, for images with one tag; {more}"))


def _may_share_a_tag(rule: _Rule, other: _Rule) -> bool:
    """Whether one tag can match both: neither's beginning, up to its first `*`, and neither's end rules it out."""
    if not rule.patterns:
        return True
    one, two = shown_pattern(rule.patterns[0]), shown_pattern(other.patterns[0])
    (start, end), (start_2, end_2) = _ends(one), _ends(two)
    return (start.startswith(start_2) or start_2.startswith(start)) and (end.endswith(end_2) or end_2.endswith(end))


def _ends(glob: str) -> tuple[str, str]:
    return (glob.partition("*")[0], glob.rpartition("*")[2]) if "*" in glob else (glob, glob)


def _of_no_rule(rules: Sequence[_Rule]) -> ConvertedEntry:
    """What no rule matches stays."""
    patterns = tuple(dict.fromkeys(each.patterns[0] for each in rules if len(each.patterns) == 1))
    more = " A tag here that no rule names stays also where another tag of its image makes ECR expire the image."
    if not patterns:
        return ConvertedEntry(Entry(tags=(parse_tag_pattern("*"),), optional=True), ("What no rule names stays.",))
    return ConvertedEntry(Entry(except_=patterns), (f"What no rule names stays, as in ECR.{more}",))


def _untagged(rules: Sequence[_Rule]) -> tuple[Seconds | None, tuple[str, ...]]:
    rule = next((each for each in rules if each.status in ("untagged", "any")), None)
    if rule is None:
        return None, ()
    if rule.expires and rule.within is not None:
        later = "The time here counts from the later of the push and the first run that found the image so."
        return rule.within, (f"{_said(rule)} {later}",)
    return None, (f"{_said(rule)} Of images without a tag nothing can be said here but an age: they are left alone.",)


def _numbers(rules: Sequence[_Rule]) -> str:
    return " or ".join(f"rule {each.priority}" for each in rules)
