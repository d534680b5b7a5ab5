"""The program's first step: a way out for Ctrl-C while the rest of it is loaded, which takes most of a second."""

import os
import signal
import time
from types import FrameType

from holystone.cli.forms import wants_json


def main() -> None:
    """The program's start. Until a command watches for signals itself (`signals.until_signal`), nothing has begun that
    an end could spoil, and an exception in the middle of an import is a traceback, or is swallowed there. Whoever was
    started with interrupts switched off (`nohup … &`) stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from holystone.cli.main import main as run

    run()


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Ends the process at once, without a word to anybody else: what is half loaded may do anything."""
    if wants_json("log-format"):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        said = '"level":"error","kind":"error","message":"Interrupted.","not_deleted":"","what_to_do":""'
        os.write(2, f'{{"time":"{now}",{said}}}\n'.encode())
    else:
        os.write(2, b"holystone: Interrupted.\n")
    os._exit(1)
