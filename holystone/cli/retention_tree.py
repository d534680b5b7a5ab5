"""The commands about retention policies, their words and what each takes."""

from pathlib import Path
from typing import Any

import click

from holystone.cli.job import do
from holystone.settings.decorators import Command, Group, options
from holystone.settings.tables import CHECK_OPTIONS, TRY_OPTIONS


@click.group(cls=Group)
def policy() -> None:
    """Files of retention policies."""


@policy.command("check", cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@options(CHECK_OPTIONS)
def policy_check(file: Path, **given: Any) -> None:
    """Says whether FILE and all that it includes is valid, or where it is not and why."""

    def job() -> int:
        from holystone.cli.policy_commands import check_policies

        return check_policies(file, given)

    do(job)


@policy.command("try", cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@options(TRY_OPTIONS)
def policy_try(file: Path, **given: Any) -> None:
    """Says which tags of a list would stay by the policies of FILE, and why. No registry is asked, nothing deleted."""

    def job() -> int:
        from holystone.cli.policy_commands import try_policies

        return try_policies(file, given)

    do(job)
