"""Option over variable, first variable that is not empty, and the words of values."""

from collections.abc import Mapping

import pytest
from hypothesis import given as over
from hypothesis import settings as profile
from hypothesis import strategies as st

from holystone.engine.errors import UsageError
from holystone.settings import options as o
from holystone.settings import tables
from holystone.settings.given import Given, GivenValue
from holystone.settings.option import Option

WORDS = st.sampled_from(["", "a", "b"])
MAYBE = st.none() | WORDS
OPTION = Option("some-name", "", ("V1", "V2", "V3"))


@profile(max_examples=150, deadline=None)
@over(option=MAYBE, environ=st.dictionaries(st.sampled_from(["V1", "V2", "V3", "V4"]), WORDS))
def test_precedence(option: str | None, environ: Mapping[str, str]) -> None:
    value = Given({"some_name": option}, environ).one(OPTION)
    if option is not None:
        assert value == (option, "--some-name")
        return
    first = next((name for name in OPTION.variables if environ.get(name)), None)
    assert value == ((environ[first], f"${first}") if first else None)


@profile(max_examples=200, deadline=None)
@over(option=MAYBE, environ=st.dictionaries(st.sampled_from(["O1", "O2", "C1"]), WORDS), common=MAYBE)
def test_own_over_common_unless_empty(option: str | None, environ: Mapping[str, str], common: str | None) -> None:
    own_option, common_option = Option("own", "", ("O1", "O2")), Option("common", "", ("C1",))
    value = Given({"own": option, "common": common}, environ).filled(own_option, common_option)
    own = option if option is not None else environ.get("O1") or environ.get("O2")
    both = common if common is not None else environ.get("C1")
    assert (value.text if value else "") == (own or both or "")


@over(
    word=st.sampled_from(["1", "true", "yes", "0", "false", "no"]),
    upper=st.sampled_from([str.lower, str.upper, str.title]),
    default=st.booleans(),
    by_option=st.booleans(),
)
def test_booleans(word: str, upper: object, default: bool, by_option: bool) -> None:
    assert callable(upper)
    text = upper(word)
    flag = Option("flag", "", ("FLAG",), kind="flag")
    given = Given({"flag": text}, {}) if by_option else Given({}, {"FLAG": text})
    assert given.flag(flag, default=default) is (word in ("1", "true", "yes"))


@pytest.mark.parametrize("default", [True, False])
def test_boolean_default(default: bool) -> None:
    flag = Option("flag", "", ("FLAG",), kind="flag")
    assert Given({}, {"FLAG": ""}).flag(flag, default=default) is default
    assert Given({"flag": "no"}, {"FLAG": "yes"}).flag(flag, default=default) is False


@profile(max_examples=50)
@over(st.text(max_size=6).filter(lambda text: text.lower() not in ("1", "t", "true", "yes", "0", "f", "false", "no")))
def test_any_other_word_is_an_error(word: str) -> None:
    with pytest.raises(UsageError, match=r"--flag: .*is neither yes"):
        GivenValue(word, "--flag").boolean()


def test_many() -> None:
    environ = {"HOLYSTONE_IMAGE_2": "b", "HOLYSTONE_IMAGE_1": "a", "HOLYSTONE_IMAGE_3": "", "HOLYSTONE_IMAGE": "c"}
    given = Given({"image": ()}, environ)
    assert given.values(o.IMAGE) == (("a", "$HOLYSTONE_IMAGE_1"), ("b", "$HOLYSTONE_IMAGE_2"))
    assert Given({"image": ("x",)}, environ).values(o.IMAGE) == (("x", "--image"),)


@pytest.mark.parametrize(
    ("text", "seconds"), [("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("0", 0), ("0s", 0), ("1.5s", 2), ("1ms", 1)]
)
def test_durations(text: str, seconds: int) -> None:
    assert GivenValue(text, "--x").seconds() == seconds


@pytest.mark.parametrize("text", ["", "2", "2d", "-2h", "two hours", "2h ", "h"])
def test_not_durations(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--x: "):
        GivenValue(text, "--x").seconds()


def test_home() -> None:
    given = Given({"docker_config": "~/d"}, {"HOME": "/home/me"})
    assert str(given.path(o.DOCKER_CONFIG)) == "/home/me/d"
    assert str(given.expanded("~other/d")) == "~other/d"


def test_every_option_has_one_place_and_its_own_name() -> None:
    keys = [option.key for option in tables.CLEANUP_OPTIONS]
    assert len(keys) == len(set(keys))
    assert all(key.isidentifier() for key in keys)
    variables = [name for option in tables.CLEANUP_OPTIONS for name in option.variables]
    assert len(variables) == len(set(variables))
    assert all(name.startswith(("WERF_", "HOLYSTONE_")) or name in OTHERS for name in variables)


OTHERS = ("DOCKER_CONFIG", "KUBECONFIG", "KUBECONFIG_BASE64")
