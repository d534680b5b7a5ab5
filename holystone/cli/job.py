"""A command's work, and the exit code that comes of it."""

from collections.abc import Callable

import click


def do(job: Callable[[], int]) -> None:
    from holystone.cli.exits import report_crash, report_error, wants_json
    from holystone.engine.errors import HolystoneError

    context = click.get_current_context()
    try:
        code = job()
    except HolystoneError as error:
        code = report_error(error, context.command_path.partition(" ")[2], as_json=wants_json())
    except Exception as fault:
        code = report_crash(fault)
    context.exit(code)
