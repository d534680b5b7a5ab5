"""A keep entry: one meaning, whether it stands in a file or on the command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from holystone.policies.keep_policies import KeepPolicy
from holystone.policies.keep_policies_data import PolicyError, parse_keep_policies
from holystone.policies.retention.rules import CloneName, CommitOf, CommitsOf, Entry, Label, Mentioned
from holystone.policies.retention_data.counting import parse_semver, parse_thin
from holystone.policies.retention_data.parts import Data, Part, Word
from holystone.policies.retention_data.tags import Groups, ReadTags, commit_of, tag_patterns

KEEPING: Final = (
    "tags",
    "except",
    "branch-exists-in",
    "branch-head-of",
    "commits-of",
    "mentioned-in",
    "label",
    "pushed-within",
    "pulled-within",
    "newest",
    "semver",
    "thin",
    "same-commit",
)
"""Keys of which each is a reason to keep by itself."""
GOES_WITH: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "by": ("commits-of", "branch-head-of", "same-commit"),
        "keep-policies": ("commits-of",),
        "within": ("mentioned-in",),
        "which": ("thin",),
        "per": ("newest", "thin"),
        "groups": ("per",),
    }
)
"""Keys that say more about others, any of which must be there."""
ENTRY_KEYS: Final = (*KEEPING, *GOES_WITH, "with-siblings", "optional")
_WHOLE_NUMBERS: Final = ("last", "in")
"""Keys of werf's keep policies."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands elsewhere and entries refer to."""

    clones: frozenset[CloneName]
    read_tags: ReadTags


def parse_entry(part: Part, beside: Beside) -> Entry:
    """Raises PolicyError."""
    keys = part.keys(ENTRY_KEYS, like="{newest: 10}")
    _check_company(part, keys)
    tags = tag_patterns(keys["tags"], beside.read_tags) if "tags" in keys else None
    groups = Groups(tags)
    if "branch-exists-in" in keys:
        groups.check("branch", keys["branch-exists-in"])
    by = commit_of(keys.get("by"), groups)
    same_commit = _truth(keys, "same-commit")
    return Entry(
        tags=tags,
        except_=tag_patterns(keys["except"], beside.read_tags) if "except" in keys else (),
        branch_exists_in=_clone(keys, "branch-exists-in", beside),
        branch_head_of=_clone(keys, "branch-head-of", beside),
        commits_of=_commits_of(keys, beside, by),
        mentioned_in=_mentioned(keys, beside),
        label=_label(keys["label"]) if "label" in keys else None,
        pushed_within=keys["pushed-within"].duration() if "pushed-within" in keys else None,
        pulled_within=keys["pulled-within"].duration() if "pulled-within" in keys else None,
        newest=keys["newest"].count() if "newest" in keys else None,
        semver=parse_semver(keys["semver"], groups) if "semver" in keys else None,
        thin=parse_thin(keys["thin"], keys.get("which")) if "thin" in keys else None,
        per=groups.per(keys.get("per")),
        groups=keys["groups"].count() if "groups" in keys else None,
        same_commit=same_commit,
        commit=by if same_commit or "branch-head-of" in keys else CommitOf(),
        with_siblings=_truth(keys, "with-siblings"),
        optional=_truth(keys, "optional"),
    )


def _check_company(part: Part, keys: Mapping[str, Part]) -> None:
    said = {key for key in KEEPING if key in keys}
    if not said or (said == {"same-commit"} and not keys["same-commit"].truth()):
        raise part.wrong(f"nothing here keeps a tag; that does any of {', '.join(KEEPING)}")
    if "semver" in keys and "per" in keys and not any(key in keys for key in GOES_WITH["per"]):
        raise keys["per"].wrong("semver has a per of its own, inside")
    for key, others in GOES_WITH.items():
        if key in keys and not any(other in keys for other in others):
            raise keys[key].wrong(f"goes with {' or '.join(others)}")
    if "commits-of" in keys and "keep-policies" not in keys:
        raise keys["commits-of"].wrong("keep-policies: is missing beside it; it says which commits are meant")


def _clone(keys: Mapping[str, Part], key: str, beside: Beside) -> CloneName | None:
    if key not in keys:
        return None
    name = keys[key].text("the name of a clone")
    if name not in beside.clones:
        known = f"known are {', '.join(sorted(beside.clones))}" if beside.clones else "there is none"
        raise keys[key].wrong(f"no clone of that name stands below clones; {known}")
    return name


def _commits_of(keys: Mapping[str, Part], beside: Beside, by: CommitOf) -> CommitsOf | None:
    clone = _clone(keys, "commits-of", beside)
    return None if clone is None else CommitsOf(clone, _keep_policies(keys["keep-policies"]), by)


def _keep_policies(part: Part) -> tuple[KeepPolicy, ...]:
    try:
        return parse_keep_policies(_in_werfs_words(part.data))
    except PolicyError as error:
        raise PolicyError((*part.path, *error.path), error.message) from error


def _in_werfs_words(data: Data, key: str = "") -> Any:
    """The data as the reader of werf's keep policies takes it."""
    match data:
        case None:
            return None
        case str():
            is_number = isinstance(data, Word) and key in _WHOLE_NUMBERS
            return int(data) if is_number and data.removeprefix("-").isdecimal() and len(data) < 20 else str(data)
        case Mapping():
            return {name: _in_werfs_words(value, name) for name, value in data.items()}
        case _:
            return [_in_werfs_words(each, key) for each in data]


def _mentioned(keys: Mapping[str, Part], beside: Beside) -> Mentioned | None:
    clone = _clone(keys, "mentioned-in", beside)
    within = keys["within"].duration() if "within" in keys else 0
    return None if clone is None else Mentioned(clone, within)


def _label(part: Part) -> Label:
    keys = part.keys(("name", "value"), {"name": "which label"}, "{name: keep}")
    value = keys["value"].text("the value of a label") if "value" in keys else None
    return Label(keys["name"].text("the name of a label"), value)


def _truth(keys: Mapping[str, Part], key: str) -> bool:
    return key in keys and keys[key].truth()
