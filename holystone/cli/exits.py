"""The one place where an error becomes an exit code and a message."""

import itertools
import os
import sys
import traceback
from contextlib import suppress

import click

from holystone.cli.suggestions import in_words
from holystone.engine.errors import HolystoneError, UsageError


def report_error(error: HolystoneError, command: str, *, as_json: bool) -> int:
    """Prints one message: text to standard error, and in JSON mode a document to standard output as well."""
    from holystone.ui import output
    from holystone.ui.message import print_error

    print_error(error)
    if as_json:
        from holystone.engine.report.document import error_document, in_parts

        with suppress(output.Unwritten):  # the exit code says it
            output.document(in_parts(error_document(error, command)))
    return error.exit_code


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
    return report_error(error, path.partition(" ")[2], as_json=wants_json())


def report_crash(fault: Exception) -> int:
    """What should never happen. By the door too: the text of an exception may hold anything."""
    from holystone.ui import output

    output.tell(
        "holystone: this is a fault in Holystone itself. Please report it.",
        *(f"  {line}" for line in output.marked("".join(traceback.format_exception(fault)))),
        "  If a run had begun to delete, `holystone resume` finishes it and `holystone undo` takes it back.",
    )
    return 1


def wants_json() -> bool:
    """Whether `--output json` was asked for, also where the command line cannot be understood any further."""
    words = sys.argv[1:]
    given = [word.partition("=")[2] for word in words if word.startswith("--output=")]
    given += [after for word, after in itertools.pairwise(words) if word == "--output"]
    return (given[-1] if given else os.environ.get("HOLYSTONE_OUTPUT")) == "json"
