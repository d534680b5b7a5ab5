"""Any keep entry that can be written."""

import string
from typing import Any

import msgspec
from hypothesis import strategies as st

from holystone.policies.keep_policies import KeepPolicy, Limit, ReferencesRule
from holystone.policies.retention.patterns import ExpressionPattern, GlobPattern, NamePattern
from holystone.policies.retention.rules import CommitOf, CommitsOf, Entry, Label, Mentioned, Prereleases, Semver, Thin

CLONES = ("shop", "git ops", "no", "1.10")
_WORDS = ("1.10", "no", "true", "null", "~", "2026-01-01", "0x1F", "1e3", "1_000", "12:30:00", "=", "<<", "-", ".5")
_CHARACTERS = string.ascii_letters + string.digits + "_.-"
_TAGS = st.sampled_from(_WORDS).filter(lambda word: set(word) <= set(_CHARACTERS) and word[0] not in ".-") | st.text(
    _CHARACTERS, min_size=1, max_size=20
).filter(lambda text: text[0] not in ".-")
_NAMES = st.sampled_from(_WORDS) | st.text(
    st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=20
)
_COUNTS = st.integers(1, 999_999_999)
_DURATIONS = st.sampled_from((3_600, 86_400, 604_800)).flatmap(
    lambda unit: st.integers(1, 999_999).map(lambda n: n * unit)
)
_CLONES = st.sampled_from(CLONES)
GROUPS = ("version", "branch", "commit", "variant")
_WITH_GROUPS = ExpressionPattern(
    "^(?P<version>[0-9]+(?:\\.[0-9]+){0,2})-(?P<branch>.+)-(?P<commit>[0-9a-f]{7,40})(?P<variant>-[a-z]+)?$"
)
_PATTERNS = (
    _TAGS.map(NamePattern)
    | _TAGS.map(lambda tag: GlobPattern(f"{tag}*"))
    | st.sampled_from(["^a$", "(?i)^x,y|z$", "^a'\"#: {}$", "^\n$", "^é/$"]).map(ExpressionPattern)
)
_REFERENCES = st.builds(
    ReferencesRule,
    st.sampled_from(["branch", "tag"]),
    st.sampled_from(["/.*/", "main", "1.10", "no", "/^a|b: c$/"]),
    st.none()
    | st.builds(
        Limit, st.none() | st.integers(-1, 9), st.none() | st.integers(0, 10**15), st.sampled_from(["And", "Or"])
    ),
)
_KEEP_POLICIES = st.lists(
    st.builds(KeepPolicy, _REFERENCES, st.none() | st.builds(Limit, st.integers(-1, 9))), min_size=1, max_size=3
).map(tuple)


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def _prereleases(draw: st.DrawFn) -> Prereleases | None:
    made = Prereleases(draw(_maybe(_DURATIONS)), draw(_maybe(_COUNTS)), draw(_maybe(_DURATIONS)))
    return None if made == Prereleases() else made


def _semver(draw: st.DrawFn, groups: tuple[str, ...]) -> Semver:
    per = tuple(draw(st.lists(st.sampled_from(("major", "minor", *groups)), unique=True, max_size=3)))
    return Semver(draw(_COUNTS), per, draw(_maybe(_COUNTS)) if per else None, _prereleases(draw))


def _thin(draw: st.DrawFn) -> Thin:
    some = st.just(0) | _COUNTS
    daily, weekly, monthly = draw(st.tuples(some, some, some).filter(any))
    return Thin(daily, weekly, monthly, draw(st.sampled_from(["first", "last"])))


@st.composite
def entries(draw: st.DrawFn, *, with_policies: bool = True) -> Entry:
    """Any of those that a file can say."""
    tags = draw(_maybe(st.just((_WITH_GROUPS,)) | st.lists(_PATTERNS, min_size=1, max_size=4).map(tuple)))
    groups = GROUPS if tags == (_WITH_GROUPS,) else ()
    by = draw(
        st.just(CommitOf())
        | st.just(CommitOf("provenance", CommitOf().name))
        | _NAMES.filter(lambda name: not set(name) & {" "}).map(lambda name: CommitOf("label", name))
        | st.sampled_from(groups or ("",)).map(lambda name: CommitOf("group", name) if name else CommitOf())
    )
    newest, thin = draw(_maybe(_COUNTS)), _thin(draw) if draw(st.booleans()) else None
    per = tuple(draw(st.lists(st.sampled_from(groups), unique=True, max_size=3))) if groups and (newest or thin) else ()
    entry = Entry(
        tags=tags,
        except_=draw(st.just(()) | st.lists(_PATTERNS, min_size=1, max_size=2).map(tuple)),
        branch_exists_in=draw(_maybe(_CLONES)) if groups else None,
        branch_head_of=draw(_maybe(_CLONES)),
        commits_of=CommitsOf(draw(_CLONES), draw(_KEEP_POLICIES), by)
        if with_policies and draw(st.booleans())
        else None,
        mentioned_in=draw(_maybe(st.builds(Mentioned, _CLONES, st.just(0) | _DURATIONS))),
        label=draw(_maybe(st.builds(Label, _NAMES, _maybe(_NAMES)))),
        pushed_within=draw(_maybe(_DURATIONS)),
        pulled_within=draw(_maybe(_DURATIONS)),
        newest=newest,
        semver=_semver(draw, groups) if draw(st.booleans()) else None,
        thin=thin,
        per=per,
        groups=draw(_maybe(_COUNTS)) if per else None,
        same_commit=draw(st.booleans()),
        with_siblings=draw(st.booleans()),
        optional=draw(st.booleans()),
    )
    return msgspec.structs.replace(entry, commit=by) if entry.same_commit or entry.branch_head_of else entry
