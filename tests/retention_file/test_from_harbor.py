"""What is made of Harbor's retention policies keeps all that Harbor retains, and no more where a comment says so."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.policies.keep_policies_data import PolicyError
from holystone.policies.retention.patterns import matcher
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention_data.doublestar import repository_patterns_of, tag_patterns_of
from holystone.policies.retention_data.from_harbor import from_harbor
from tests.retention_file.vendors import DAY, Image, converted, kept, last_words, read_back

GLOBS = ["**", "", "v*", "{latest,v1*}", "release-?", "rc[1-2]", "dev-**", "[^v]*"]
TAGS = ["latest", "v1", "v1.1", "v2", "release-1", "rc1", "rc3", "dev-1", "dev-2", "x"]
REPOSITORIES = ["web", "app", "team", "team/app", "team/web", "team/web/cache", "cache"]
SCOPES = ["**", "team/*", "{web,app}", "app", "**/cache", "team/**", "w*"]


def selector(pattern: str, decoration: str = "matches", untagged: bool | None = None) -> dict[str, Any]:
    extras = "" if untagged is None else json.dumps({"untagged": untagged})
    return {"kind": "doublestar", "decoration": decoration, "pattern": pattern, "extras": extras}


def rule(
    template: str, value: int, *selectors: dict[str, Any], scope: tuple[dict[str, Any], ...] = ()
) -> dict[str, Any]:
    return {
        "template": template,
        "action": "retain",
        "params": {template: value} if template != "always" else {},
        "tag_selectors": list(selectors) or [selector("**")],
        "scope_selectors": {"repository": list(scope) or [selector("**", "repoMatches")]},
    }


def policy(*rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": 1,
        "algorithm": "or",
        "rules": list(rules),
        "trigger": {"kind": "Schedule", "settings": {"cron": "0 0 0 * * *"}},
        "scope": {"level": "project", "ref": 1},
    }


def matches(pattern: str, text: str) -> bool:
    """doublestar.Match, by a translation of its own into an expression."""
    if not pattern:
        return True
    said = "/".join("(<>)" if each == "**" else each for each in pattern.split("/"))
    said = re.sub(r"\*+", "[^/]*", said).replace("?", "[^/]").replace(".", "[.]")
    said = re.sub(r"\{([^}]*)\}", lambda found: f"(?:{'|'.join(found[1].split(','))})", said)
    said = said.replace("(<>)/", "(?:.+/)?").replace("(<>)", ".+")
    return re.fullmatch(said, text) is not None


def retained(rules: list[dict[str, Any]], images: list[Image], repository: str) -> set[str]:
    """What Harbor retains, said a second time: launcher.go, selector.go, each template's evaluator.go."""

    def is_about(rule: dict[str, Any]) -> bool:
        said = rule["scope_selectors"]["repository"]
        return all(matches(each["pattern"], repository) is (each["decoration"] == "repoMatches") for each in said)

    def selects(said: dict[str, Any], image: Image) -> bool:
        excludes: bool = said["decoration"] == "excludes"
        if not image.tags:
            untagged = json.loads(said["extras"])["untagged"] if said["extras"] else not excludes
            return bool(untagged) != excludes
        return any(matches(said["pattern"], tag) != excludes for tag in image.tags)

    about = [each for each in rules if not each.get("disabled") and is_about(each)]
    if not about:
        return {tag for image in images for tag in image.tags}
    left: set[str] = set()
    for each in about:
        pool = [image for image in images if all(selects(said, image) for said in each["tag_selectors"])]
        number = each["params"].get(each["template"], 0)
        never = 10_000.0
        pulled = {image: never if image.pulled is None else image.pulled for image in pool}
        match each["template"]:
            case "latestPushedK":
                pool = sorted(pool, key=lambda image: image.days)[:number]
            case "latestPulledN":
                pool = sorted(pool, key=lambda image: pulled[image])[:number]
            case "latestActiveK":
                pool = sorted(pool, key=lambda image: min(image.days, pulled[image]))[:number]
            case "nDaysSinceLastPush" | "lastXDays":
                pool = [image for image in pool if image.days <= number]
            case "nDaysSinceLastPull":
                pool = [image for image in pool if pulled[image] <= number]
        left |= {tag for image in pool for tag in image.tags}
    return left


TEMPLATES = ["always", "latestPushedK", "nDaysSinceLastPush", "lastXDays", "nDaysSinceLastPull"]
UNSAYABLE = ["latestPulledN", "latestActiveK"]
selectors = st.builds(
    selector,
    st.sampled_from(GLOBS),
    st.sampled_from(["matches", "matches", "excludes"]),
    st.sampled_from([None, True, False]),
)
scopes = st.lists(
    st.builds(selector, st.sampled_from(SCOPES), st.just("repoMatches"))
    | st.builds(selector, st.sampled_from(SCOPES[1:]), st.just("repoExcludes")),
    min_size=1,
    max_size=2,
).filter(lambda said: sum(each["decoration"] == "repoMatches" for each in said) < 2)


@st.composite
def rules(draw: st.DrawFn, *, simple: bool = False) -> dict[str, Any]:
    made = rule(
        draw(st.sampled_from(TEMPLATES[:-1] if simple else [*TEMPLATES, *UNSAYABLE])),
        draw(st.integers(0, 8)),
        *draw(st.lists(selectors, min_size=1, max_size=1 if simple else 2)),
        scope=() if simple else tuple(draw(scopes)),
    )
    return {**made, "disabled": draw(st.sampled_from([False, False, True]))}


@st.composite
def repositories(draw: st.DrawFn, *, untagged: bool = True) -> list[Image]:
    left = draw(st.permutations(TAGS))
    images: list[Image] = []
    while left:
        number = draw(st.integers(1, 3))
        pulled = draw(st.none() | st.just(len(images) * 0.5 + 0.25))
        images.append(Image(tuple(left[:number]), len(images) * 2 + 1, pulled))
        left = left[number:]
    if untagged:
        images += [Image((), each + 0.5, each + 0.1) for each in draw(st.sets(st.integers(0, 20), max_size=3))]
    return images


def is_active(rules: list[dict[str, Any]]) -> bool:
    """Whether it is not refused because nothing of it keeps anything."""
    counts = [each["template"] == "always" or each["params"][each["template"]] > 0 for each in rules]
    return any(not each["disabled"] for each in rules) and all(counts)


@settings(max_examples=70, deadline=None)
@given(
    rules=st.lists(rules(), min_size=1, max_size=4).filter(is_active),
    images=repositories(),
    repository=st.sampled_from(REPOSITORIES),
)
def test_what_harbor_retains_stays(rules: list[dict[str, Any]], images: list[Image], repository: str) -> None:
    policies = read_back(converted(from_harbor, policy(*rules)))
    assert retained(rules, images, repository) <= kept(policies, images, f"shop/{repository}")


@settings(max_examples=70, deadline=None)
@given(
    rules=st.lists(rules(simple=True), min_size=1, max_size=3).filter(is_active), images=repositories(untagged=False)
)
def test_nothing_else_stays_where_the_comments_say_so(rules: list[dict[str, Any]], images: list[Image]) -> None:
    file = converted(from_harbor, policy(*rules))
    assert all(each.startswith("The same as in Harbor.") for each in last_words(file))
    assert kept(read_back(file), images, "shop/web") == retained(rules, images, "web")


@pytest.mark.parametrize("glob", [*GLOBS, "{a,b}{1,2}", "v[1-9].[0-9]", "x*y?z"])
def test_a_pattern_of_tags(glob: str) -> None:
    match = matcher(tag_patterns_of(glob))
    for tag in [*TAGS, "a1", "b2", "c1", "v1.5", "vx5", "xy1z", "x-y-z", "rc"]:
        assert (match(tag) is not None) == matches(glob, tag), tag


@pytest.mark.parametrize("pattern", [*SCOPES, "a/**/b", "{a,b}/*", "**/a/**"])
@pytest.mark.parametrize("wide", [True, False])
def test_a_pattern_of_repositories(pattern: str, wide: bool) -> None:
    ours = [RepositoryPattern(f"r.example/{each}") for each in repository_patterns_of(pattern, wide=wide)]
    for path in [*REPOSITORIES, "a", "b", "a/b", "a/x/b", "a/x/y/b", "team", "x/a/y", "b/c"]:
        repository = Repository(RegistryHost("r.example"), RepositoryPath(path))
        is_meant = any(each.matches(repository) for each in ours)
        assert is_meant == matches(pattern, path) or (wide and is_meant and pattern.endswith("/**")), path


def test_of_several_selectors_nothing_is_counted() -> None:
    """The newest of what both select may be the oldest of what the first does."""
    both = rule("latestPushedK", 1, selector("v*"), selector("*1"))
    images = [Image(("v2",), 1), Image(("v3",), 2), Image(("v1",), 3), Image(("x1",), 4)]
    assert retained([both], images, "web") == {"v1"}
    assert kept(read_back(converted(from_harbor, policy(both))), images, "shop/web") == {"v1", "v2", "v3"}


def test_a_later_tag_of_another_kind_is_where_the_two_differ() -> None:
    """In Harbor an artifact is as new as its newest tag, whatever the selector; this is said beside the entry."""
    file = converted(from_harbor, policy(rule("latestPushedK", 1, selector("v*"))))
    assert "An artifact that got a tag of another kind later" in last_words(file)[0]
    file = converted(from_harbor, policy(rule("latestPushedK", 1, selector("**"))))
    assert "An artifact that got" not in last_words(file)[0]


@pytest.mark.parametrize(
    ("rules", "after"),
    [
        ([rule("nDaysSinceLastPush", 7, selector("**", untagged=True)), rule("lastXDays", 9)], 9),
        ([rule("nDaysSinceLastPush", 7, selector("**", untagged=False))], None),
        ([rule("nDaysSinceLastPush", 7), rule("latestPushedK", 3)], None),
        ([rule("always", 0), rule("nDaysSinceLastPush", 7)], None),
        ([rule("latestPushedK", 3, selector("**", untagged=False)), rule("nDaysSinceLastPush", 7)], 7),
    ],
)
def test_artifacts_without_a_tag(rules: list[dict[str, Any]], after: int | None) -> None:
    (made,) = read_back(converted(from_harbor, policy(*rules)))
    assert made.untagged_after == (None if after is None else after * DAY)


GOOD = rule("latestPushedK", 3)
AT = ("rules", 0)


@pytest.mark.parametrize(
    ("document", "path", "why"),
    [
        ({**policy(GOOD), "name": "x"}, ("name",), "unknown key"),
        ({**policy(GOOD), "algorithm": "and"}, ("algorithm",), "expected or, found 'and'"),
        (policy({**GOOD, "template": "nothing"}), (*AT, "template"), "expected always or"),
        (policy({**GOOD, "params": {}}), AT, "params.latestPushedK: is missing"),
        (policy({**GOOD, "params": {"k": 3}}), (*AT, "params", "k"), "latestPushedK has no such parameter"),
        (policy({**GOOD, "disabled": True}), ("rules",), "no rule here is switched on"),
        (policy(rule("latestPushedK", 0)), (), "none of its rules keeps anything"),
        (policy({**GOOD, "tag_selectors": []}), (*AT, "tag_selectors"), "nothing in it"),
        (policy(rule("always", 0, selector("{a,{b}}"))), (*AT, "tag_selectors", 0), "a pattern with braces within"),
        (policy(rule("always", 0, selector("{a,b}" * 10))), (*AT, "tag_selectors", 0), "a pattern with '{a,b}'"),
        (policy(rule("always", 0, selector("a\\*"))), (*AT, "tag_selectors", 0), "a pattern with a backslash"),
        (policy(rule("always", 0, selector("[!a]"))), (*AT, "tag_selectors", 0), "a pattern with '[!a]'"),
        (
            policy(rule("always", 0, {**selector("a"), "extras": "{}}"})),
            (*AT, "tag_selectors", 0, "extras"),
            "JSON is malformed",
        ),
        (
            policy(rule("always", 0, scope=(selector("a", "repoMatches"), selector("b", "repoMatches")))),
            (*AT, "scope_selectors"),
            "more than one repoMatches",
        ),
        (
            policy(rule("always", 0, scope=(selector("a[1-2]", "repoMatches"),))),
            (*AT, "scope_selectors", "repository", 0, "pattern"),
            "a pattern with [ is not understood",
        ),
    ],
)
def test_what_is_refused(document: dict[str, Any], path: tuple[Any, ...], why: str) -> None:
    with pytest.raises(PolicyError) as caught:
        converted(from_harbor, document)
    assert caught.value.path == path
    assert caught.value.message.startswith(why)
