"""The three standard streams, however we were started."""

import os
import sys
from typing import Final

_STANDARD: Final = {"stdin": "r", "stdout": "w", "stderr": "w"}


def hold_standard_streams() -> None:
    """Holds the numbers of the three standard streams. Where one is closed (`>&-`, `2>&-`), nobody is told what is
    printed there. Its number must not become that of the next file or connection, such as the journal: what some
    library prints would be written into it, and libuv ends the process where it finds one. Where somebody else has made
    one non-blocking, what is printed would be cut off."""
    for number, (name, mode) in enumerate(_STANDARD.items()):
        try:
            os.set_blocking(number, True)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - to the end of the program
