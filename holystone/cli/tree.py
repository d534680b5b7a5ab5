"""The commands, their words and what each takes. Only click and the table of options are loaded before one runs:
`--help` is quick."""

import os
from pathlib import Path
from typing import Any, Literal

import click

from holystone.cli.job import do
from holystone.cli.retention_tree import policy, prune
from holystone.settings.decorators import Command, Group, options
from holystone.settings.tables import (
    ADD_OPTIONS,
    APPLY_OPTIONS,
    CI_ENV_OPTIONS,
    CLEANUP_OPTIONS,
    DEMO_OPTIONS,
    GIVE_UP_OPTIONS,
    IMAGES_PURGE_OPTIONS,
    LS_OPTIONS,
    RESUME_OPTIONS,
    RM_OPTIONS,
    RUNS_OPTIONS,
    STAGES_PURGE_OPTIONS,
    UNDO_OPTIONS,
)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="holystone", message="holystone %(version)s")
def holystone() -> None:
    """Cleans container registries of werf 1.1 projects: decides from git history, proves, then deletes.

    \b
    Exit codes: 0 done, or nothing to do
                1 failed
                2 wrong usage or configuration
                3 refused by a promise, or not confirmed; nothing was deleted
                4 done in part; `holystone resume` finishes it
    """


@holystone.command(cls=Command)
@options(CLEANUP_OPTIONS)
def cleanup(**given: Any) -> None:
    """Images cleanup, then stages cleanup."""
    do(lambda: _cleanup(given, images=True, stages=True))


@holystone.group(cls=Group)
def images() -> None:
    """The images repo alone."""


@images.command("cleanup", cls=Command)
@options(CLEANUP_OPTIONS)
def images_cleanup(**given: Any) -> None:
    """Deletes the tags and records of images that no keep policy wants any more."""
    do(lambda: _cleanup(given, images=True, stages=False))


@holystone.group(cls=Group)
def stages() -> None:
    """The stages storage alone."""


@stages.command("cleanup", cls=Command)
@options(CLEANUP_OPTIONS)
def stages_cleanup(**given: Any) -> None:
    """Deletes the stages that no image is built on or imports from."""
    do(lambda: _cleanup(given, images=False, stages=True))


@holystone.command(cls=Command)
@options(IMAGES_PURGE_OPTIONS)
def purge(**given: Any) -> None:
    """Deletes all images, stages and records of the project.

    No policy, no history and no cluster is asked. On a terminal you are asked to type the project's name; elsewhere it
    needs --yes. What other projects and other people have in the same repositories stays.
    """
    do(lambda: _purge(given, images=True, stages=True))


@images.command("purge", cls=Command)
@options(IMAGES_PURGE_OPTIONS)
def images_purge(**given: Any) -> None:
    """Deletes all tags of all images, of werf.yaml and managed ones.

    No policy, no history and no cluster is asked. On a terminal you are asked to type the project's name; elsewhere it
    needs --yes. Stages and records stay.
    """
    do(lambda: _purge(given, images=True, stages=False))


@stages.command("purge", cls=Command)
@options(STAGES_PURGE_OPTIONS)
def stages_purge(**given: Any) -> None:
    """Deletes all stages, with all records of managed images, commits and clients.

    On a terminal you are asked to type the project's name; elsewhere it needs --yes. Images stay and still run; how
    many are built on the stages is told if --images-repo says where they are.
    """
    do(lambda: _purge(given, images=False, stages=True))


@holystone.group("managed-images", cls=Group)
def managed() -> None:
    """Images that are cleaned besides those of werf.yaml.

    The nameless image is '~', in quotes: a shell makes something else of it.
    """


@managed.command("ls", cls=Command)
@options(LS_OPTIONS)
def managed_ls(**given: Any) -> None:
    """Lists the managed images, one a line."""

    def job() -> int:
        from holystone.cli.commands import list_managed_images

        return list_managed_images(given)

    do(job)


@managed.command("add", cls=Command)
@click.argument("name")
@options(ADD_OPTIONS)
def managed_add(name: str, **given: Any) -> None:
    """Makes image NAME a managed one; does nothing if it is."""

    def job() -> int:
        from holystone.cli.commands import add_managed_image

        return add_managed_image(name, given)

    do(job)


@managed.command("rm", cls=Command)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@options(RM_OPTIONS)
def managed_rm(names: tuple[str, ...], **given: Any) -> None:
    """Takes images off the list; their tags stay. `holystone undo` puts the records back."""

    def job() -> int:
        from holystone.cli.commands import remove_managed_images

        return remove_managed_images(names, given)

    do(job)


@holystone.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@options(APPLY_OPTIONS)
def apply(file: Path, **given: Any) -> None:
    """Executes exactly the plan in FILE, which --plan-out wrote."""

    def job() -> int:
        from holystone.cli.commands import apply_file

        return apply_file(file, given)

    do(job)


@holystone.command(cls=Command)
@click.argument("run", required=False)
@options(RESUME_OPTIONS)
def resume(run: str | None, **given: Any) -> None:
    """Finishes RUN, by default the last unfinished one.

    With --images-repo or --stages-storage, or their variables, only runs of that project count.
    """

    def job() -> int:
        from holystone.cli.commands import resume_run

        return resume_run(run, given)

    do(job)


@holystone.command(cls=Command)
@click.argument("run")
@click.argument("references", metavar="[REFERENCE]...", nargs=-1)
@options(UNDO_OPTIONS)
def undo(run: str, references: tuple[str, ...], **given: Any) -> None:
    """Puts back what RUN deleted, where the blobs are left.

    With REFERENCE only that comes back, and what belongs to it: a repository, REPOSITORY:TAG or REPOSITORY@DIGEST.
    """

    def job() -> int:
        from holystone.cli.commands import undo_run

        return undo_run(run, references, given)

    do(job)


@holystone.group(cls=Group, invoke_without_command=True)
@options(RUNS_OPTIONS)
def runs(**given: Any) -> None:
    """Lists the runs in the journal, the newest first."""

    def job() -> int:
        import anyio

        from holystone.cli.logs import configure_messages
        from holystone.cli.reading import read_settings
        from holystone.settings.run import resolve_journal
        from holystone.ui.run_list import print_runs
        from holystone.workflows.journal import list_runs

        run = read_settings(resolve_journal, given, configure_messages).run
        print_runs(anyio.run(list_runs, run.state_dir), run.state_dir, run.output)
        return 0

    if click.get_current_context().invoked_subcommand is None:
        do(job)


@runs.command("give-up", cls=Command)
@click.argument("run")
@options(GIVE_UP_OPTIONS)
def give_up(run: str, **given: Any) -> None:
    """Ends RUN for good: `resume` takes it up no more, its journal stays, and `undo` works."""

    def job() -> int:
        from holystone.cli.commands import give_up_run

        return give_up_run(run, given)

    do(job)


holystone.add_command(prune)
holystone.add_command(policy)


@holystone.command(cls=Command)
@options(DEMO_OPTIONS)
def demo(**given: Any) -> None:
    """Cleans a sample project: no network, nothing of yours."""

    def job() -> int:
        from holystone.cli.commands import run_demo

        return run_demo(given)

    do(job)


@holystone.command("ci-env", cls=Command)
@click.argument("system", metavar="gitlab|github", type=click.Choice(["gitlab", "github"]))
@options(CI_ENV_OPTIONS)
def ci_env(system: Literal["gitlab", "github"], **given: Any) -> None:
    """Says what a job's environment means for a cleanup, as `werf ci-env` does.

    \b
        . "$(holystone ci-env gitlab --as-file)"

    The addresses of the repositories, the job's own login in a Docker configuration of its own, limits of tag
    strategies. What is set already stays as it is.
    """

    def job() -> int:
        from holystone.cli.ci_env import ci_env

        return ci_env(system, given, os.environ)

    do(job)


@holystone.command("version", cls=Command)
def version() -> None:
    """Prints the version."""
    from importlib.metadata import version as version_of

    from holystone.ui.output import report

    report(version_of("holystone"))


def _cleanup(given: dict[str, Any], *, images: bool, stages: bool) -> int:
    from holystone.cli.commands import clean

    return clean(given, images=images, stages=stages)


def _purge(given: dict[str, Any], *, images: bool, stages: bool) -> int:
    from holystone.cli.commands import purge

    return purge(given, images=images, stages=stages)
