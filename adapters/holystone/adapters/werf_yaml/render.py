"""Lets the `werf` program render a templated werf.yaml: only werf knows its own template functions."""

import os
import re
from pathlib import Path
from typing import Final

from holystone.adapters.credentials.redaction import redacted
from holystone.adapters.programs import ProgramFailed, ProgramHung, ProgramMissing, run_program
from holystone.adapters.yaml.documents import MAX_BYTES
from holystone.engine.errors import IncompleteSource, UsageError, shell_word

_STDERR_SHOWN: Final = 2000
_SAID: Final = frozenset({"WERF_DIR", "WERF_CONFIG", "WERF_CONFIG_TEMPLATES_DIR"})
"""Variables that say what is said by options here: where a run is of several projects, they are of none of them."""
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\n\t\x20-\x7e\xa0-\U0010ffff]")


async def render(
    werf: str, directory: Path, *, config: Path | None, templates_dir: Path | None, deadline: float
) -> bytes:
    """What `werf config render` writes, at most MAX_BYTES. It runs with our environment, apart from what is said by
    options, in our current directory, for at most `deadline` seconds.

    Raises UsageError if it fails or writes more, and IncompleteSource if it does not end.
    """
    command = [werf, "config", "render", "--dir", str(directory)]
    command += ["--config", str(config)] if config else []
    command += ["--config-templates-dir", str(templates_dir)] if templates_dir else []
    shown = " ".join(map(shell_word, command))
    try:
        environ = {name: value for name, value in os.environ.items() if name not in _SAID}
        code, output, errors = await run_program(command, environ=environ, timeout=deadline, largest=MAX_BYTES)
    except ProgramHung as error:
        raise IncompleteSource(
            f"`{shown}` did not end within {deadline:g} seconds",
            not_deleted="Without werf.yaml nothing is decided and nothing was deleted.",
            what_to_do="Run it by hand to see what it waits for.",
        ) from error
    except ProgramMissing as error:
        raise UsageError(f"cannot run {werf}: there is no such program, or it may not be run") from error
    except ProgramFailed as error:
        raise UsageError(f"`{shown}` {error}") from error
    if code:
        raise UsageError(f"`{shown}` failed ({code}):\n{_shortened(errors)}")
    return output


def _shortened(errors: bytes) -> str:
    text = redacted(_ESCAPES.sub("", errors.decode(errors="replace"))).strip()
    return text if len(text) <= _STDERR_SHOWN else f"… {text[-_STDERR_SHOWN:]}"
