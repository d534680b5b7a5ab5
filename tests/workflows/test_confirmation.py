"""What a person is asked before a plan without a policy behind it is carried out, and what counts as yes."""

import pytest

from holystone.engine.model.codec import from_json, to_json
from holystone.engine.model.delete_reasons import Purged
from holystone.engine.model.notices import Notice, RegistryWarns
from holystone.engine.model.plan import Kept, Pass, Plan, Remove, RepositoryPlan
from holystone.engine.model.reasons import Foreign
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.model.refusals import NumberExceeded, Refusal, Unconfirmed
from holystone.engine.planner.refusals import ask_first, open_question
from holystone.ui.question import is_yes, question
from tests.support.image_values import digest_of

SHOP = Repository(RegistryHost("r.example"), RepositoryPath("shop/app"))
FUSE = NumberExceeded(SHOP, doomed=9, total=9, most=3)


def plan(*doomed: str, notices: tuple[Notice, ...] = (), refusals: tuple[Refusal, ...] = ()) -> Plan:
    steps = tuple(Remove(digest_of(tag), "", 1_500_000, (Tag(tag),), (Purged(),)) for tag in doomed)
    at = [
        RepositoryPlan(
            Repository(RegistryHost("r.example"), RepositoryPath(path)),
            "default",
            (Pass("manifests", each),) if each else (),
            (Kept(Tag("stays"), digest_of("stays"), (Foreign(),)),),
            {},
        )
        for path, each in (("shop/app", steps), ("shop/other", ()))
    ]
    return Plan(0, "purge", repositories=tuple(at), notices=notices, refusals=refusals)


def test_a_plan_is_not_applyable_before_somebody_has_confirmed_it() -> None:
    asked = ask_first(plan("a", refusals=(FUSE,)), "shop")
    assert not asked.applyable
    assert open_question(asked) == asked.refusals[-1]
    assert asked.refusals[0] == FUSE
    assert open_question(plan("a", refusals=(FUSE,))) is None
    lifted = asked.without_refusals("confirmation")
    assert lifted == plan("a", refusals=(FUSE,))
    assert open_question(from_json(to_json(asked), Plan)) == asked.refusals[-1], "a plan file asks too"


def test_nothing_is_asked_where_nothing_goes() -> None:
    assert ask_first(plan(), "shop") == plan()


def test_the_question_says_what_goes_from_where() -> None:
    asked = ask_first(plan("a", "b", notices=(RegistryWarns(SHOP, "look here"),)), "shop")
    confirmation = open_question(asked)
    assert confirmation
    assert list(question(asked, confirmation)) == [
        "holystone: purge deletes this, and no policy is asked who needs it:",
        "  r.example/shop/app: 2 tags, at most 3.0 MB; 1 stay",
        "  note: r.example/shop/app: look here",
        "Type shop to delete it, anything else to leave it: ",
    ]


@pytest.mark.parametrize(
    ("answer", "yes"),
    [
        ("shop\n", True),
        ("  shop \n", True),
        ("shop", True),
        ("", False),
        ("\n", False),
        ("y\n", False),
        ("yes\n", False),
        ("Shop\n", False),
        ("shop2\n", False),
        ("shop shop\n", False),
    ],
)
def test_only_the_whole_phrase_is_yes(answer: str, yes: bool) -> None:
    assert is_yes(answer, Unconfirmed("shop")) is yes


def test_an_empty_phrase_is_never_confirmed() -> None:
    assert not is_yes("\n", Unconfirmed(""))
