"""The commands about retention policies, their words and what each takes."""

from pathlib import Path
from typing import Any

import click

from holystone.cli.job import do
from holystone.settings.decorators import Command, Group, options
from holystone.settings.tables import CHECK_OPTIONS, FROM_OPTIONS, PRUNE_OPTIONS, TRY_OPTIONS


@click.command(cls=Command)
@click.argument("repositories", metavar="[REPOSITORY...]", nargs=-1)
@options(PRUNE_OPTIONS)
def prune(repositories: tuple[str, ...], **given: Any) -> None:
    """Deletes what no retention policy keeps, in any number of repositories.

    \b
        holystone prune --config holystone.yaml --dry-run
        holystone prune 'registry.example.com/team-*/**' --keep newest=10 --keep pushed-within=30d --dry-run

    Policies only ever keep: what none of their entries keeps, goes. A REPOSITORY is a pattern: * within a part of the
    name, ** for one or more parts.
    """

    def job() -> int:
        from holystone.cli.prune import prune

        return prune(repositories, given)

    do(job)


@click.group(cls=Group)
def policy() -> None:
    """Files of retention policies."""


@policy.command("check", cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("references", metavar="[REFERENCE...]", nargs=-1)
@options(CHECK_OPTIONS)
def policy_check(file: Path, references: tuple[str, ...], **given: Any) -> None:
    """Says whether FILE and all that it includes is valid, or where it is not and why.

    With --registries it reads the repositories as a dry run does, and says what each entry keeps there. With a
    REFERENCE, HOST/NAME or HOST/NAME:TAG, it reads that repository alone, and says which entries keep the tag. Nothing
    is deleted, and nothing noted.
    """

    def job() -> int:
        from holystone.cli.policy_commands import check_policies

        return check_policies(file, references, given)

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


@policy.command("from", cls=Command)
@click.argument("vendor", type=click.Choice(["ecr", "harbor", "gitlab"]))
@click.argument("file")
@options(FROM_OPTIONS)
def policy_from(vendor: str, file: str, **given: Any) -> None:
    """Writes a file of policies, made of what FILE says in the words of another tool; - is standard input.

    \b
        aws ecr get-lifecycle-policy --repository-name shop --query lifecyclePolicyText --output text |
            holystone policy from ecr - --repository 123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop

    Its comments say of each rule what became of it, and what cannot be said the same way.
    """

    def job() -> int:
        from holystone.cli.policy_commands import convert_policy

        return convert_policy(vendor, file, given)

    do(job)
