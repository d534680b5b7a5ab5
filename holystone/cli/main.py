"""The command `holystone`. Only click and the table of options are loaded before a command runs: `--help` is quick."""

import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from holystone.settings.decorators import Command, Group, options
from holystone.settings.options import APPLY_OPTIONS, CLEANUP_OPTIONS, DEMO_OPTIONS, UNDO_OPTIONS


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="holystone", message="holystone %(version)s")
def holystone() -> None:
    """Cleans container registries of werf 1.1 projects: decides from git history, proves, then deletes.

    \b
    Exit codes: 0 done, or nothing to do
                1 failed
                2 wrong usage or configuration
                3 refused by a promise; nothing was deleted
                4 done in part; `holystone resume` finishes it
    """


@holystone.command(cls=Command)
@options(CLEANUP_OPTIONS)
def cleanup(**given: Any) -> None:
    """Images cleanup, then stages cleanup."""
    _run(lambda: _cleanup("cleanup", given, images=True, stages=True))


@holystone.group(cls=Group)
def images() -> None:
    """The images repo alone."""


@images.command("cleanup", cls=Command)
@options(CLEANUP_OPTIONS)
def images_cleanup(**given: Any) -> None:
    """Deletes the tags and records of images that no keep policy wants any more."""
    _run(lambda: _cleanup("images cleanup", given, images=True, stages=False))


@holystone.group(cls=Group)
def stages() -> None:
    """The stages storage alone."""


@stages.command("cleanup", cls=Command)
@options(CLEANUP_OPTIONS)
def stages_cleanup(**given: Any) -> None:
    """Deletes the stages that no image is built on or imports from."""
    _run(lambda: _cleanup("stages cleanup", given, images=False, stages=True))


@holystone.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@options(APPLY_OPTIONS)
def apply(file: Path, **given: Any) -> None:
    """Executes exactly the plan in FILE, which --plan-out wrote."""

    def job() -> int:
        from holystone.cli.commands import apply_file

        return apply_file(file, given)

    _run(job)


@holystone.command(cls=Command)
@click.argument("run", required=False)
@options(APPLY_OPTIONS)
def resume(run: str | None, **given: Any) -> None:
    """Finishes RUN (by default the last one that was not finished) from its journal."""

    def job() -> int:
        from holystone.cli.commands import resume_run

        return resume_run(run, given)

    _run(job)


@holystone.command(cls=Command)
@click.argument("run")
@options(UNDO_OPTIONS)
def undo(run: str, **given: Any) -> None:
    """Puts back what RUN deleted, wherever the registry still has the blobs."""

    def job() -> int:
        from holystone.cli.commands import undo_run

        return undo_run(run, given)

    _run(job)


@holystone.command(cls=Command)
@options(APPLY_OPTIONS)
def runs(**given: Any) -> None:
    """Lists the runs in the journal, the newest first."""

    def job() -> int:
        from holystone.cli.commands import list_runs

        return list_runs(given)

    _run(job)


@holystone.command(cls=Command)
@options(DEMO_OPTIONS)
def demo(**given: Any) -> None:
    """Cleans a sample project on a registry inside the process: no network, nothing of yours is touched."""

    def job() -> int:
        from holystone.cli.commands import run_demo

        return run_demo(given)

    _run(job)


def _cleanup(command: str, given: dict[str, Any], *, images: bool, stages: bool) -> int:
    from holystone.cleanup.decide import Scope
    from holystone.cli.commands import clean

    return clean(command, given, Scope(images, stages))


def _run(job: Callable[[], int]) -> None:
    from holystone.cli.exits import report_error
    from holystone.engine.errors import HolystoneError

    context = click.get_current_context()
    try:
        code = job()
    except HolystoneError as error:
        code = report_error(error, context.command_path.partition(" ")[2], as_json=_wants_json())
    context.exit(code)


def _wants_json() -> bool:
    """Also where the command line cannot be understood any further."""
    words = sys.argv[1:]
    given = [word.partition("=")[2] for word in words if word.startswith("--output=")]
    given += [after for word, after in itertools.pairwise(words) if word == "--output"]
    return (given[-1] if given else os.environ.get("HOLYSTONE_OUTPUT")) == "json"


def main() -> None:
    try:
        code = holystone.main(prog_name="holystone", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as no_command:
        no_command.show()
        code = no_command.exit_code
    except click.ClickException as wrong:
        from holystone.cli.exits import report_error
        from holystone.engine.errors import UsageError

        context = wrong.ctx if isinstance(wrong, click.UsageError) else None
        path = context.command_path if context else "holystone"
        error = UsageError(wrong.format_message(), what_to_do=f"`{path} --help` lists what there is.")
        code = report_error(error, path.partition(" ")[2], as_json=_wants_json())
    except click.Abort:
        code = 1
    sys.exit(code)
