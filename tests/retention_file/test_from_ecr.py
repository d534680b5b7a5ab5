"""What is made of ECR's lifecycle policies keeps all that ECR leaves, and no more where a comment says so."""

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.policies.keep_policies_data import PolicyError
from holystone.policies.retention.rules import Policy
from holystone.policies.retention_data.from_ecr import from_ecr
from tests.retention_file.vendors import DAY, Image, converted, kept, last_words, read_back

PATTERNS = ["prod*", "prod-eu*", "beta*", "*-1", "latest", "*eu*2"]
TAGS = ["prod-1", "prod-2", "prod-eu-1", "prod-eu-2", "beta-1", "beta-2", "beta-3", "latest", "x-1", "y", "eu2"]


def rule(priority: int, count: str, number: int, action: str = "expire", **selection: Any) -> dict[str, Any]:
    selection = {"tagStatus": "tagged", "countType": count, "countNumber": number, **selection}
    if count != "imageCountMoreThan":
        selection["countUnit"] = "days"
    act = {"type": action, **({"targetStorageClass": "archive"} if action == "transition" else {})}
    return {"rulePriority": priority, "selection": selection, "action": act}


def spared(rules: list[dict[str, Any]], images: list[Image]) -> set[str]:
    """What ECR leaves, said a second time: a page of the user guide each sentence."""

    def is_about(rule: dict[str, Any], image: Image) -> bool:
        said = rule["selection"]
        if said["tagStatus"] != "tagged":
            return said["tagStatus"] == "any" or not image.tags
        globs = said.get("tagPatternList") or [f"{each}*" for each in said["tagPrefixList"]]
        return all(any(fnmatchcase(tag, glob) for tag in image.tags) for glob in globs)

    def marks(rule: dict[str, Any], image: Image) -> bool:
        said = rule["selection"]
        if said["countType"] == "imageCountMoreThan":
            newer = [each for each in images if is_about(rule, each) and each.days < image.days]
            return len(newer) >= int(said["countNumber"])
        return image.days > int(said["countNumber"])

    left: set[str] = set()
    for image in images:
        about = [each for each in sorted(rules, key=lambda each: each["rulePriority"]) if is_about(each, image)]
        if not about or about[0]["action"]["type"] == "transition" or not marks(about[0], image):
            left |= set(image.tags)
    return left


@st.composite
def lifecycle_policies(draw: st.DrawFn) -> list[dict[str, Any]]:
    rules = []
    for priority in range(1, draw(st.integers(1, 4))):
        patterns = draw(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2, unique=True))
        if len(patterns) == 2 and draw(st.booleans()):
            patterns = patterns[:1]
        names = {"tagPatternList": patterns}
        if all(each.endswith("*") and each.count("*") == 1 for each in patterns):
            names = {"tagPrefixList": [each[:-1] for each in patterns]}
        rules.append(_drawn(draw, priority, names))
    if draw(st.booleans()):
        rules.append(_drawn(draw, 8, {"tagStatus": "untagged"}))
    if draw(st.booleans()) or not rules:
        rules.append(_drawn(draw, 9, {"tagStatus": "any"}))
    return draw(st.permutations(rules))


def _drawn(draw: st.DrawFn, priority: int, selection: dict[str, Any]) -> dict[str, Any]:
    match draw(st.sampled_from(["count", "age", "archive"])):
        case "count":
            return rule(priority, "imageCountMoreThan", draw(st.integers(1, 4)), **selection)
        case "age":
            return rule(priority, "sinceImagePushed", draw(st.integers(1, 12)), **selection)
        case _:
            count = draw(st.sampled_from(["sinceImagePulled", "sinceImagePushed", "imageCountMoreThan"]))
            return rule(priority, count, draw(st.integers(1, 9)), "transition", **selection)


@st.composite
def repositories(draw: st.DrawFn, most: int = 3) -> list[Image]:
    left = draw(st.permutations(TAGS))
    images = []
    days = 0
    while left:
        number = draw(st.integers(1, most))
        days += draw(st.integers(1, 3))
        images.append(Image(tuple(left[:number]), days))
        left = left[number:]
    if most > 1:
        images += [Image((), each + 0.5) for each in draw(st.lists(st.integers(0, 20), max_size=4, unique=True))]
    return images


@settings(max_examples=70, deadline=None)
@given(rules=lifecycle_policies(), images=repositories())
def test_what_ecr_leaves_stays(rules: list[dict[str, Any]], images: list[Image]) -> None:
    policies = read_back(converted(from_ecr, {"rules": rules}))
    assert spared(rules, images) <= kept(policies, images)


@settings(max_examples=70, deadline=None)
@given(rules=lifecycle_policies(), images=repositories(most=1))
def test_nothing_else_stays_where_each_image_has_a_tag_and_the_comments_say_so(
    rules: list[dict[str, Any]], images: list[Image]
) -> None:
    file = converted(from_ecr, {"rules": rules})
    same = ("The same as in ECR", "Nothing is archived here", "What no rule names")
    if all(each.startswith(same) for each in last_words(file)):
        assert kept(read_back(file), images) == spared(rules, images)


A = Image(("beta-1", "prod-1"), 10)
B = Image(("beta-2", "prod-2"), 9)
C = Image(("beta-3",), 8)


@pytest.mark.parametrize("order", [("prod", "beta"), ("beta", "prod")])
def test_the_guides_two_examples_of_two_rules(order: tuple[str, str]) -> None:
    """AWS's "Filtering on multiple rules", whose results are A in one order and A and B in the other. Where ECR expires
    B, the entry of prod keeps it, as the comment says."""
    rules = [rule(number, "imageCountMoreThan", 1, tagPrefixList=[each]) for number, each in enumerate(order, 1)]
    assert spared(rules, [A, B, C]) == {*C.tags, *(B.tags if order[0] == "prod" else ())}
    file = converted(from_ecr, {"rules": rules})
    assert kept(read_back(file), [A, B, C]) == {*B.tags, *C.tags}
    assert last_words(file)[:2] == [
        "The same as in ECR.",
        "Keeps more than ECR: what rule 1 expires stays if it is among these.",
    ]


def test_a_list_means_all_of_it() -> None:
    """AWS's "Filtering on multiple tags in a single rule": an image with one of both tags is not selected."""
    document = {"rules": [rule(1, "sinceImagePushed", 5, tagPrefixList=["alpha", "beta"])]}
    images = [Image(("alpha-1",), 12), Image(("beta-1",), 11), Image(("alpha-2", "beta-2"), 10)]
    assert spared(document["rules"], images) == {"alpha-1", "beta-1"}
    file = converted(from_ecr, document)
    assert kept(read_back(file), images) == {"alpha-1", "beta-1", "alpha-2", "beta-2"}
    assert "which an entry cannot ask for" in last_words(file)[0]


def policy_of(*rules: dict[str, Any]) -> Policy:
    (policy,) = read_back(converted(from_ecr, {"rules": list(rules)}))
    return policy


def test_images_without_a_tag() -> None:
    aged = rule(1, "sinceImagePushed", 14, tagStatus="untagged")
    counted = rule(1, "imageCountMoreThan", 14, tagStatus="untagged")
    everything = rule(2, "sinceImagePushed", 30, tagStatus="any")
    assert policy_of(aged).untagged_after == 14 * DAY
    assert policy_of(aged, everything).untagged_after == 14 * DAY
    assert policy_of(everything).untagged_after == 30 * DAY
    assert policy_of(counted, everything).untagged_after is None


def test_archived_images_are_left_alone() -> None:
    archived = rule(1, "sinceImageTransitioned", 365, tagStatus="any", storageClass="archive")
    policy = policy_of(archived, rule(2, "imageCountMoreThan", 1, tagPatternList=["v*"]))
    assert kept([policy], [Image(("v1",), 2), Image(("v2",), 1), Image(("x",), 9)]) == {"v2", "x"}


GOOD = rule(1, "imageCountMoreThan", 3, tagPrefixList=["v"])


def changed(**of_selection: Any) -> dict[str, Any]:
    said = {**GOOD["selection"], **of_selection}
    return {**GOOD, "selection": {key: value for key, value in said.items() if value is not ...}}


@pytest.mark.parametrize(
    ("rules", "path", "why"),
    [
        ([{**GOOD, "prio": 1}], ("rules", 0, "prio"), "unknown key"),
        ([GOOD, GOOD], ("rules", 1), "another rule has the priority 1"),
        ([changed(tagPrefixList=...)], ("rules", 0, "selection"), "tagStatus: tagged goes with"),
        ([changed(tagPatternList=["v*"])], ("rules", 0, "selection"), "tagStatus: tagged goes with"),
        ([changed(tagPrefixList=[])], ("rules", 0, "selection", "tagPrefixList"), "nothing in it"),
        ([changed(tagPrefixList=["v*"])], ("rules", 0, "selection", "tagPrefixList", 0), "'v*' matches no tag"),
        ([changed(tagPrefixList=["[v"])], ("rules", 0, "selection", "tagPrefixList", 0), "'[v' matches no tag"),
        ([changed(countNumber=0)], ("rules", 0, "selection", "countNumber"), "'0' is not a whole number"),
        ([changed(countUnit="days")], ("rules", 0, "selection"), "countUnit: days goes with each countType but"),
        ([changed(countType="sinceImagePushed")], ("rules", 0, "selection"), "countUnit: days goes with"),
        ([changed(countType="sinceImagePulled", countUnit="days")], (..., "countType"), "expires nothing"),
        ([changed(storageClass="archive")], ("rules", 0, "selection"), "go with each other"),
        ([changed(countType="lastPush")], (..., "countType"), "expected imageCountMoreThan or"),
        (
            [rule(1, "imageCountMoreThan", 1, tagStatus="any"), {**GOOD, "rulePriority": 2}],
            ("rules",),
            "rule 1 is about any image, and is not the last",
        ),
        (
            [rule(each, "imageCountMoreThan", 1, tagStatus="untagged") for each in (1, 2)],
            ("rules",),
            "two rules are about images without a tag",
        ),
    ],
)
def test_what_ecr_does_not_take(rules: list[dict[str, Any]], path: tuple[Any, ...], why: str) -> None:
    with pytest.raises(PolicyError) as caught:
        converted(from_ecr, {"rules": rules})
    assert caught.value.path[-1] == path[-1]
    assert path[0] is ... or caught.value.path == path
    assert caught.value.message.startswith(why) or why in caught.value.message
