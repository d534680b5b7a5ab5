"""The program `holystone`, from its start to its exit code."""

import sys

import click

from holystone.cli.streams import hold_standard_streams
from holystone.cli.tree import holystone


def main() -> None:
    hold_standard_streams()
    try:
        code = holystone.main(prog_name="holystone", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as no_command:
        from holystone.cli.exits import report_no_command

        code = report_no_command(no_command)
    except click.ClickException as wrong:
        from holystone.cli.exits import report_wrong_words

        code = report_wrong_words(wrong)
    except click.Abort:  # Ctrl-C before anything had begun, or after its end
        from holystone.cli.exits import report_error
        from holystone.engine.errors import HolystoneError

        code = report_error(HolystoneError("Interrupted."), "", as_json=False)
    except OSError as fault:  # of --help and --version, which click prints: what a command raises does not get here
        from holystone.cli.exits import report_error
        from holystone.ui.output import Unwritten

        code = report_error(Unwritten(fault), "", as_json=False)
    except Exception as fault:
        from holystone.cli.exits import report_crash

        code = report_crash(fault)
    sys.exit(code)
