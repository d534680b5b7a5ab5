"""The one place where an error becomes an exit code and a message."""

import sys

from holystone.engine.errors import HolystoneError


def report_error(error: HolystoneError, command: str, *, as_json: bool) -> int:
    """Prints one message: text to standard error, and in JSON mode a document to standard output as well."""
    from holystone.cleanup.message import print_error

    print_error(error)
    if as_json:
        from holystone.engine.report.document import error_document

        sys.stdout.write(error_document(error, command).decode() + "\n")
    return error.exit_code
