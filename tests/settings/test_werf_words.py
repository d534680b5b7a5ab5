"""werf's grammar of words and numbers: pflag and strconv for options, `GetBoolEnvironment…` and `getInt64EnvVar` for
variables (werf 1.1.36, cmd/werf/common). What werf takes is taken, unless it would delete more than anybody can have
meant."""

from collections.abc import Mapping

import click
import pytest
from click.testing import CliRunner

from holystone.engine.errors import UsageError
from holystone.settings import intent_options as intent
from holystone.settings import options as o
from holystone.settings import tables
from holystone.settings.decorators import Command, options
from holystone.settings.given import Given
from holystone.settings.option import Option
from holystone.settings.resolve import resolve
from holystone.settings.values import CleanupSettings

PLACES = {"images_repo": "r.example/shop", "stages_storage": "r.example/shop/stages"}
HOME = {"HOME": "/home/me"}


def settings(given: Mapping[str, str] = {}, environ: Mapping[str, str] = {}) -> CleanupSettings:
    return resolve({**PLACES, **given}, {**HOME, **environ})


@pytest.mark.parametrize("word", ["1", "t", "T", "true", "TRUE", "True", "yes"])
def test_words_for_yes(word: str) -> None:
    assert Given({"dry_run": word}, {}).flag(o.DRY_RUN)
    assert Given({}, {"WERF_DRY_RUN": word}).flag(o.DRY_RUN)


@pytest.mark.parametrize("word", ["0", "f", "F", "false", "FALSE", "False", "no"])
def test_words_for_no(word: str) -> None:
    assert not Given({"dry_run": word}, {"WERF_DRY_RUN": "1"}).flag(o.DRY_RUN)
    assert not Given({}, {"WERF_DRY_RUN": word}).flag(o.DRY_RUN)
    assert not Given({"parallel": word}, {}).flag(o.PARALLEL, default=True)


@pytest.mark.parametrize(
    ("option", "default", "word", "value"),
    [
        # as werf reads it, which is the default for any word that it does not know
        (intent.WITHOUT_KUBE, False, "off", False),
        (o.DRY_RUN, False, "off", False),
        (intent.ALLOW_GIT_SHALLOW_CLONE, False, "off", False),
        (intent.GIT_HISTORY_BASED_CLEANUP, True, "on", True),
        (intent.GIT_HISTORY_BASED_CLEANUP_V1_2, True, "on", True),
        (o.PARALLEL, True, "on", True),
        # otherwise than werf, where its reading would delete, or where nothing is decided
        (o.DRY_RUN, False, "on", True),
        (o.PARALLEL, True, "off", False),
        (o.LOG_VERBOSE, False, "on", True),
        (o.LOG_QUIET, False, "ON", True),
        (o.LOCK_IN_REGISTRY, False, "on", True),
        # werf asks the clusters, whoever wrote this meant them not to be asked
        (intent.WITHOUT_KUBE, False, "on", None),
        (intent.SCAN_CONTEXT_NAMESPACE_ONLY, False, "on", None),
        (intent.ALLOW_GIT_SHALLOW_CLONE, False, "on", None),
        (intent.GIT_HISTORY_BASED_CLEANUP, True, "off", None),
        (intent.GIT_HISTORY_BASED_CLEANUP_V1_2, True, "off", None),
        (o.DRY_RUN, False, "perhaps", None),
        (o.PARALLEL, True, "enabled", None),
    ],
)
def test_on_and_off_in_variables(option: Option, default: bool, word: str, value: bool | None) -> None:
    given = Given({}, {option.variables[0]: word})
    if value is None:
        with pytest.raises(UsageError, match=r"^\$"):
            given.flag(option, default=default)
    else:
        assert given.flag(option, default=default) is value


@pytest.mark.parametrize(
    ("word", "limit"),
    [
        ("0", 0),
        ("7", 7),
        ("+7", 7),
        ("-1", None),
        ("-2", None),
        ("-9000000000000000000", None),
        ("0x10", 16),
        ("0b11", 3),
        ("0o17", 15),
        ("1_000", 1000),
        ("2147483648", 2**31),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_limits_of_options(word: str, limit: int | None) -> None:
    for option in (*intent.GIT_TAG_STRATEGY, *intent.GIT_COMMIT_STRATEGY):
        assert limit in _allowances(settings({option.key: word, "git_history_based_cleanup": "false"}))


def _allowances(made: CleanupSettings) -> tuple[int | None, ...]:
    rules = made.history.strategies
    return tuple(
        value
        for each in (rules.git_tag, rules.git_commit, rules.stages_signature)
        for value in (each.limit, each.expiry_days)
    )


@pytest.mark.parametrize("word", ["ten", "1.5", "010", "9223372036854775808", "1e3", "--", "0x", "1__0"])
def test_no_limits(word: str) -> None:
    with pytest.raises(UsageError, match="--git-tag-strategy-limit"):
        settings({"git_tag_strategy_limit": word})


@pytest.mark.parametrize(
    ("word", "limit"), [("010", 10), ("007", 7), ("2147483648", 2**31), ("-5", None), ("0x10", "refused")]
)
def test_limits_of_variables_are_decimal(word: str, limit: int | str | None) -> None:
    if limit == "refused":
        with pytest.raises(UsageError, match=r"\$WERF_GIT_TAG_STRATEGY_LIMIT"):
            settings({}, {"WERF_GIT_TAG_STRATEGY_LIMIT": word})
    else:
        assert settings({}, {"WERF_GIT_TAG_STRATEGY_LIMIT": word}).history.strategies.git_tag.limit == limit


@pytest.mark.parametrize(("word", "limit"), [("0", None), ("-1", None), ("-7", None), ("5", 5), ("abc", 10), ("", 10)])
def test_parallel_tasks_of_the_variable(word: str, limit: int | None) -> None:
    """werf's cleanup does not look at it at all; so that no word there may stop one."""
    assert settings({}, {"WERF_PARALLEL_TASKS_LIMIT": word}).registry.concurrency == limit


@pytest.mark.parametrize(("word", "limit"), [("0", None), ("-1", None), ("-7", None), ("0x5", 5)])
def test_parallel_tasks_of_the_option(word: str, limit: int | None) -> None:
    assert settings({"parallel_tasks_limit": word}).registry.concurrency == limit


@pytest.mark.parametrize(
    ("flag", "variable", "level"),
    [("--verbose", "WERF_VERBOSE", "verbose"), ("--quiet", "WERF_QUIET", "quiet"), ("--debug", "WERF_DEBUG", "debug")],
)
def test_hidden_twins_of_log_options(flag: str, variable: str, level: str) -> None:
    assert settings({}, {variable: "1"}).log.level == level
    assert settings(given(flag)).log.level == level
    assert settings(given(f"{flag}=t")).log.level == level
    assert settings(given(f"{flag}=false"), {variable: "1"}).log.level == "normal"


def given(*words: str) -> dict[str, str]:
    found: dict[str, str] = {}

    @click.command(cls=Command)
    @options(tables.CLEANUP_OPTIONS)
    def cleanup(**words: str) -> None:
        found.update({name: value for name, value in words.items() if value})

    CliRunner().invoke(cleanup, list(words), standalone_mode=False, catch_exceptions=False)
    return found


@pytest.mark.parametrize("word", ["true", "1", "t", "yes"])
def test_a_word_for_yes_after_a_flag_says_nothing_else(word: str) -> None:
    assert given("--dry-run", word, "--parallel", word) == {"dry_run": "true", "parallel": "true"}


@pytest.mark.parametrize("words", [("--dry-run", "false"), ("--without-kube", "no"), ("backend",), ("true",)])
def test_words_that_werf_passes_over_and_that_can_only_mean_less(words: tuple[str, ...]) -> None:
    with pytest.raises(click.UsageError):
        given(*words)


@pytest.mark.parametrize("vendor", ["docker_hub", "harbor"])
@pytest.mark.parametrize("half", ["username", "password"])
@pytest.mark.parametrize("place", ["repo", "images_repo", "stages_storage_repo"])
def test_half_a_login_is_none(vendor: str, half: str, place: str) -> None:
    made = settings({}, {f"WERF_{place}_{vendor}_{half}".upper(): "me"})
    assert all(not each.logins for each in made.registry.access.values())
    assert any("other half" in note for note in made.notes)
