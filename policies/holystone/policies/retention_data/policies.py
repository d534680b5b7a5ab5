"""A policy: repositories, and what stays in them."""

from typing import Final

from holystone.policies.retention.reach import reach
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention.rules import Entry, Policy, Seconds
from holystone.policies.retention_data.entries import Beside, parse_entry
from holystone.policies.retention_data.parts import Part
from holystone.policies.retention_data.tags import tag_patterns

POLICY_KEYS: Final = (
    "name",
    "repositories",
    "except",
    "keep",
    "untagged",
    "orphaned",
    "times",
    "immutable",
    "may-empty",
)
NEEDED: Final = {
    "name": "by which name reports call the policy",
    "repositories": "which repositories the policy is about",
    "keep": "what stays (`keep: nothing` if nothing does)",
}
NOTHING: Final = "nothing"
MOST_ENTRIES: Final = 100
"""In one policy: each tag is held against each of them."""
_MOST_PATTERNS: Final = 1_000
"""In one policy, of repositories."""


def parse_policy(part: Part, beside: Beside) -> Policy:
    """Raises PolicyError."""
    keys = part.keys(POLICY_KEYS, NEEDED)
    entries = _entries(keys["keep"], beside)
    return Policy(
        name=keys["name"].text("a name"),
        repositories=repository_patterns(keys["repositories"]),
        except_=repository_patterns(keys["except"]) if "except" in keys else (),
        keep=entries,
        keeps_nothing=not entries,
        may_empty="may-empty" in keys and keys["may-empty"].truth(),
        untagged_after=_after(keys.get("untagged")),
        orphaned_after=_after(keys.get("orphaned")),
        times="created" if "times" in keys and keys["times"].one_of("pushed", "created") == "created" else "pushed",
        immutable=tag_patterns(keys["immutable"], beside.read_tags) if "immutable" in keys else (),
    )


def repository_patterns(part: Part) -> tuple[RepositoryPattern, ...]:
    """Raises PolicyError."""
    items = part.items("patterns of repositories")
    if len(items) > _MOST_PATTERNS:
        raise part.wrong(f"more than {_MOST_PATTERNS:,} patterns of repositories")
    return tuple(map(repository_pattern, items))


def repository_pattern(part: Part) -> RepositoryPattern:
    """Raises PolicyError, also for one that neither begins with a registry nor leaves it open."""
    text = part.text("a pattern of repositories")
    try:
        pattern = RepositoryPattern(text)
        reach(text)
    except ValueError as error:
        raise part.wrong(str(error)) from error
    return pattern


def _entries(part: Part, beside: Beside) -> tuple[Entry, ...]:
    if part.data == NOTHING:
        return ()
    items = part.listed(f"keep entries, or {NOTHING}")
    if len(items) > MOST_ENTRIES:
        raise part.wrong(f"more than {MOST_ENTRIES} keep entries in one policy")
    return tuple(parse_entry(each, beside) for each in items)


def _after(part: Part | None) -> Seconds | None:
    if part is None:
        return None
    return part.keys(("after",), {"after": "how long they stay"}, "{after: 7d}")["after"].duration()
