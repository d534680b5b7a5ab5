"""The one place where an error becomes an exit code and a message."""

import traceback

from holystone.engine.errors import HolystoneError


def report_error(error: HolystoneError, command: str, *, as_json: bool) -> int:
    """Prints one message: text to standard error, and in JSON mode a document to standard output as well."""
    from holystone.cleanup import output
    from holystone.cleanup.message import print_error

    print_error(error)
    if as_json:
        from holystone.engine.report.document import error_document

        output.document(error_document(error, command))
    return error.exit_code


def report_crash(fault: Exception) -> int:
    """What should never happen. By the door too: the text of an exception may hold anything."""
    from holystone.cleanup import output

    output.tell(
        "holystone: this is a fault in Holystone itself. Please report it.",
        *(f"  {line}" for line in output.marked("".join(traceback.format_exception(fault)))),
        "  If a run had begun to delete, `holystone resume` finishes it and `holystone undo` takes it back.",
    )
    return 1
