"""The command `policy check` where it asks registries."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from holystone.cli.commands import look_and_tell
from holystone.cli.reading import Words, read_settings
from holystone.engine.errors import UsageError
from holystone.engine.model.references import Reference
from holystone.engine.names import ImageReference
from holystone.engine.report.causes import left_alone, refusal
from holystone.settings import options as o
from holystone.settings.given import Given
from holystone.settings.in_use_lists import read_lists
from holystone.settings.prune import resolve_check
from holystone.settings.references import given_reference
from holystone.ui.policies import show_check
from holystone.workflows.policy_check import Checked


def check_in_registries(file: Path, references: Sequence[str], given: Words) -> int:
    named = tuple(map(_reference, references))
    repositories = tuple(dict.fromkeys(each.repository for each in named))
    settings = read_settings(partial(resolve_check, file=file, repositories=repositories), given)
    only = () if Given(given, os.environ).flag(o.REGISTRIES) else repositories
    tags = tuple(Reference(each.repository, each.tag) for each in named if each.tag)

    def tell(checked: Checked) -> int:
        plan = checked.plan
        error = refusal(plan) or left_alone(plan, others=not plan.is_empty)
        every = settings.log.level in ("verbose", "debug")
        return show_check(checked.told, error, settings.run.output, every_repository=every)

    return look_and_tell(
        settings, lambda client: client.check_policies(str(file), tags, only), tell, read_lists(settings.in_use)
    )


def _reference(text: str) -> ImageReference:
    """Raises UsageError."""
    found = given_reference(text)
    if found.digest:
        raise UsageError(
            f"REFERENCE: '{found.repository}@{found.digest}' contains a digest, and policies judge tags",
            what_to_do="Leave out everything from '@' on, or name a tag.",
        )
    return found
