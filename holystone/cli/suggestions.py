"""What is offered to somebody who has mistyped a word: nothing that deletes, that lets more be deleted or that lifts a
protection, as what is offered gets tried."""

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final

import click

from holystone.settings import intent_options as intent
from holystone.settings import options as o
from holystone.settings.vendor_options import VENDOR_OPTIONS

_COMMANDS: Final = frozenset({"check", "ci-env", "demo", "ls", "managed-images", "policy", "runs", "try", "version"})
_OPTIONS: Final = frozenset(
    each.flag
    for each in (
        o.IMAGES_REPO,
        o.IMAGES_REPO_MODE,
        o.STAGES_STORAGE,
        o.REPO_IMPLEMENTATION,
        o.IMAGES_REPO_IMPLEMENTATION,
        o.STAGES_STORAGE_REPO_IMPLEMENTATION,
        o.DOCKER_CONFIG,
        *VENDOR_OPTIONS.values(),
        o.PARALLEL,
        o.PARALLEL_TASKS_LIMIT,
        o.DIR,
        o.CONFIG,
        o.CONFIG_TEMPLATES_DIR,
        o.KEEP_POLICIES,
        o.TAGS,
        o.REGISTRIES,
        o.REPOSITORY,
        o.PROJECT_NAME,
        intent.KUBE_CONFIG,
        intent.KUBE_CONFIG_BASE64,
        intent.IN_USE,
        o.DRY_RUN,
        o.PLAN_OUT,
        o.OUTPUT,
        o.LOCK_IN_REGISTRY,
        o.STATE_DIR,
        o.CACHE_DIR,
        o.LOG_QUIET,
        o.LOG_VERBOSE,
        o.LOG_DEBUG,
        o.LOG_COLOR_MODE,
    )
)
_ALIKE: Final = 0.75


def in_words(wrong: click.ClickException) -> str:
    """What was wrong with the command line."""
    match wrong:
        case click.exceptions.NoSuchOption(option_name=word):
            near = _near(word, wrong.possibilities, _OPTIONS)
        case click.exceptions.NoSuchCommand(command_name=word):
            near = _near(word, wrong.possibilities, _COMMANDS)
        case _:
            return wrong.format_message()
    return f"{wrong.message} Did you mean {' or '.join(map(repr, near))}?" if near else wrong.message


def _near(word: str, possible: Iterable[str] | None, harmless: frozenset[str]) -> list[str]:
    return [each for each in possible or () if each in harmless and SequenceMatcher(a=word, b=each).ratio() >= _ALIKE]
