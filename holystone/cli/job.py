"""A command's work, and the exit code that comes of it."""

from collections.abc import Callable
from functools import partial

import click


def do(job: Callable[[], int]) -> None:
    from holystone.cli.recording import recorded

    context = click.get_current_context()
    command = context.command_path.partition(" ")[2]
    # Twice: what is given for the recording itself may be wrong, too.
    context.exit(_told(command, partial(recorded, context, command, partial(_told, command, job))))


def _told(command: str, job: Callable[[], int]) -> int:
    """The exit code of a job, whose error is told."""
    from holystone.cli.exits import report_crash, report_error
    from holystone.cli.forms import wants_json
    from holystone.engine.errors import HolystoneError

    try:
        return job()
    except HolystoneError as error:
        return report_error(error, command, as_json=wants_json("output"))
    except Exception as fault:
        return report_crash(fault)
