"""The one place where an error becomes an exit code and a message."""

import sys
import traceback
from contextlib import suppress

import click

from holystone.cli.forms import wants_json
from holystone.cli.suggestions import in_words
from holystone.engine.errors import HolystoneError, UsageError


def report_error(error: HolystoneError, command: str, *, as_json: bool) -> int:
    """Prints one message: text to standard error, and in JSON mode a document to standard output as well."""
    from holystone.ui import output
    from holystone.ui.message import print_error

    _choose_form()
    print_error(error)
    if as_json:
        from holystone.engine.report.document import error_document, in_parts

        with suppress(output.Unwritten):  # the exit code says it
            output.document(in_parts(error_document(error, command)))
    return error.exit_code


def report_no_command(words: click.exceptions.NoArgsIsHelpError) -> int:
    """What there is, where nothing was asked for."""
    from holystone.ui.message import tell_plainly

    _choose_form()
    tell_plainly(words.format_message())
    return words.exit_code


def report_wrong_words(wrong: click.ClickException) -> int:
    """Says what cannot be understood on the command line. click repeats words that it has no use for: none that may be
    a piece of a password."""
    from holystone.adapters.credentials.redaction import remember
    from holystone.settings.secrets import pieces

    for piece in pieces(sys.argv[1:]):
        remember(piece)
    context = wrong.ctx if isinstance(wrong, click.UsageError) else None
    path = context.command_path if context else "holystone"
    error = UsageError(in_words(wrong), what_to_do=f"`{path} --help` lists what there is.")
    return report_error(error, path.partition(" ")[2], as_json=wants_json("output"))


def report_crash(fault: Exception) -> int:
    """What should never happen. By the door too: the text of an exception may hold anything."""
    from holystone.ui.message import print_error

    _choose_form()
    print_error(
        HolystoneError(
            f"this is a fault in Holystone itself. Please report it.\n{''.join(traceback.format_exception(fault))}",
            what_to_do="If a run had begun to delete, `holystone resume` finishes it and `holystone undo` takes it "
            "back.",
        )
    )
    return 1


def _choose_form() -> None:
    """Errors may come before the settings are read, or because they cannot be."""
    from holystone.ui import json_lines

    json_lines.use("json" if wants_json("log-format") else "text")
