"""The command `prune`."""

from collections.abc import Sequence
from functools import partial

from holystone.cli.commands import plan_and_deliver
from holystone.cli.reading import Words, read_settings
from holystone.settings.in_use_lists import read_lists
from holystone.settings.prune import resolve_prune


def prune(patterns: Sequence[str], given: Words) -> int:
    settings = read_settings(partial(resolve_prune, patterns=patterns), given)
    return plan_and_deliver(settings, lambda client: client.plan_prune(), read_lists(settings.in_use))
