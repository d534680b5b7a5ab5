"""GitLab's cleanup policies of a project's container registry as keep rules.

What they mean is GitLab's own code: `app/services/projects/container_repository/cleanup_tags_base_service.rb` and
`gitlab/cleanup_tags_service.rb` beside it, `app/models/container_expiration_policy.rb` (gitlabhq/gitlabhq, 2026), and
the page "Reduce container registry storage":

- `latest` stays. Of the others those go that `name_regex_delete` (else `name_regex`) matches and `name_regex_keep` does
  not, but the newest `keep_n` of them and those that are not older than `older_than`.
- An expression X is `\\A` + X + `\\z`, so that `a|b` is whatever begins with `a` or ends with `b`. It is RE2, as here.
- A tag without a time counts as new, and stays.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from holystone.policies.retention.patterns import ExpressionPattern, NamePattern, TagPattern
from holystone.policies.retention.rules import Entry
from holystone.policies.retention_data.converted import (
    PLACEHOLDER,
    ConvertedEntry,
    ConvertedFile,
    ConvertedPolicy,
    checked_file,
)
from holystone.policies.retention_data.parts import Part

_WRAPPERS: Final = ("container_expiration_policy_attributes", "container_expiration_policy")
_KEYS: Final = (
    *(
        "cadence",
        "enabled",
        "keep_n",
        "older_than",
        "name_regex",
        "name_regex_delete",
        "name_regex_keep",
        "next_run_at",
    ),
)
_LATEST: Final = NamePattern("latest")
_DAYS: Final = re.compile("[1-9][0-9]*d")
_ALL: Final = ".*"


def from_gitlab(part: Part, repository: str | None) -> ConvertedFile:
    """A cleanup policy, as the projects API takes it and tells it: `container_expiration_policy`. `repository`: of the
    project, which is its name in the registry. Raises PolicyError."""
    keys = _said(_unwrapped(part))
    if "enabled" in keys and not keys["enabled"].truth():
        raise keys["enabled"].wrong("GitLab runs no such policy; say true if it is to be carried over all the same")
    delete = keys.get("name_regex_delete") or keys.get("name_regex")
    if delete is None or not delete.text("an expression"):
        raise part.wrong("name_regex_delete: is missing; GitLab deletes nothing without it")
    where = repository or PLACEHOLDER
    policy = ConvertedPolicy(
        "gitlab",
        (where, f"{where}/**") if repository else (where,),
        tuple(_entries(keys, delete)),
        comments=("The registry of a project has its name, and others below it.",) if repository else (),
    )
    return checked_file(part, ConvertedFile("a cleanup policy of GitLab", (policy,), _notes(keys)))


def _notes(keys: Mapping[str, Part]) -> tuple[str, ...]:
    every = f" It ran every {keys['cadence'].text('a cadence')}." if "cadence" in keys else ""
    return (f"GitLab runs a policy by itself; this one is run by a nightly job.{every}",)


def _unwrapped(part: Part) -> Part:
    if isinstance(part.data, Mapping) and len(part.data) == 1:
        for name in _WRAPPERS:
            if name in part.data:
                return part.named()[name]
    return part


def _said(part: Part) -> Mapping[str, Part]:
    """What is not null, as the API tells what nobody has set."""
    return {key: each for key, each in part.keys(_KEYS).items() if each.data is not None}


def _entries(keys: Mapping[str, Part], delete: Part) -> Iterator[ConvertedEntry]:
    yield ConvertedEntry(Entry(tags=(_LATEST,), optional=True), ("GitLab always spares latest.",))
    doomed = _expression(delete)
    spared: tuple[TagPattern, ...] = (_LATEST,)
    if doomed:
        yield ConvertedEntry(
            Entry(except_=(doomed,)), (f"{delete.path[-1]}: {delete.data}. What it does not match stays.",)
        )
    if "name_regex_keep" in keys and keys["name_regex_keep"].data != "":
        kept = _expression(keys["name_regex_keep"])
        if kept is None:
            raise keys["name_regex_keep"].wrong("it matches every tag, so that GitLab deletes nothing")
        spared = (*spared, kept)
        yield ConvertedEntry(Entry(tags=(kept,), optional=True), (f"name_regex_keep: {keys['name_regex_keep'].data}.",))
    if "keep_n" in keys:
        number = keys["keep_n"].count()
        yield ConvertedEntry(
            Entry(tags=(doomed,) if doomed else None, except_=spared, newest=number, optional=bool(doomed)),
            (
                f"keep_n: {number:,}, of what is left then. GitLab counts tags, and here tags of one image are one: "
                "the same where each image has one tag, else more stays. GitLab's own registry counts each page of "
                "1,000 tags for itself, and so keeps more in larger repositories.",
            ),
        )
    if "older_than" in keys:
        if not _DAYS.fullmatch(text := keys["older_than"].text("days such as 30d")):
            raise keys["older_than"].wrong(f"{text!r} is not a number of days such as 30d")
        yield ConvertedEntry(Entry(pushed_within=keys["older_than"].duration()), (f"older_than: {text}.",))


def _expression(part: Part) -> TagPattern | None:
    """What GitLab's expression matches, as one that says so; None: every tag. Raises PolicyError."""
    text = part.text("an expression")
    if text == _ALL:
        return None
    try:
        ExpressionPattern(f"^{text}$")  # refuses what is RE2 only once it stands in parentheses
        return ExpressionPattern(_whole(text))
    except ValueError as error:
        raise part.wrong(str(error)) from error


_FLAGS: Final = re.compile(r"\(\?[imsU-]+\)")


def _whole(text: str) -> str:
    """The expression of whole tags that `\\A` + text + `\\z` finds. Raises ValueError where that cannot be told."""
    flags = _FLAGS.match(text)
    prefix, rest = (flags[0], text[flags.end() :]) if flags else ("", text)
    if "\\Q" in rest:
        raise ValueError(f"{text!r}: \\Q is not understood here; escape each character instead")
    branches = _branches(rest)
    if len(branches) == 1:
        return f"{prefix}^(?:{rest})$" if _is_anchored(rest) else f"{prefix}^{rest}$"
    if _FLAGS.search(rest):
        raise ValueError(f"{text!r}: flags within an expression of several alternatives; put it into parentheses")
    first, *inner, last = branches
    pieces = [f"(?:{first}).*", *(f".*(?:{each}).*" for each in inner), f".*(?:{last})"]
    return f"{prefix}^(?:{'|'.join(pieces)})$"


def _is_anchored(text: str) -> bool:
    return text.startswith("^") or text.endswith("$")


def _branches(text: str) -> list[str]:
    """The alternatives of an expression that is one of RE2, at its outermost level."""
    found = [""]
    depth, in_class, first, at = 0, False, 0, 0
    while at < len(text):
        piece = text[at : at + 2] if text[at] == "\\" else text[at]
        if in_class:
            if text.startswith("[:", at) and ":]" in text[at:]:
                piece = text[at : text.index(":]", at) + 2]
            elif piece == "]" and at != first:
                in_class = False
        elif piece == "[":
            in_class, first = True, at + (2 if text.startswith("[^", at) else 1)
        elif piece in "()":
            depth += 1 if piece == "(" else -1
        if piece == "|" and not (depth or in_class):
            found.append("")
        else:
            found[-1] += piece
        at += len(piece)
    return found
