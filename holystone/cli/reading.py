"""Settings, read of the command line and the environment."""

import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from holystone.cli.logs import configure_logs
from holystone.settings.run import LogSettings
from holystone.settings.secrets import exposed, without_secrets
from holystone.ui.message import note as tell_note

Words = Mapping[str, Any]
"""Of the command line, by `Option.key`."""


class _Settings(Protocol):
    @property
    def log(self) -> LogSettings: ...


T = TypeVar("T", bound=_Settings)


def read_settings(
    resolver: Callable[[Words, Mapping[str, str]], T],
    given: Words,
    configure: Callable[[LogSettings], None] = configure_logs,
) -> T:
    """Settings of these words and of our environment, which our own secrets leave for good here: so nothing that is run
    inherits them, not even what a cloud's library runs by itself (`az`, AWS's credential_process). `configure`: what is
    told is told as the settings say from here on."""
    environ = dict(os.environ)
    settings = resolver(given, environ)
    for name in environ.keys() - without_secrets(environ).keys():
        del os.environ[name]
    configure(settings.log)
    for note in exposed(given) if settings.log.level != "quiet" else ():
        tell_note(note)
    return settings
