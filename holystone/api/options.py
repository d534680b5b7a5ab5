"""A project's registries, for a program that says what the command line says."""

import os
from collections.abc import Mapping, Sequence

from holystone.api.client import Client
from holystone.engine.errors import UsageError
from holystone.engine.events import Listener
from holystone.settings.resolve import resolve, resolve_apply
from holystone.settings.tables import CLEANUP_OPTIONS


class Holystone(Client):
    """`async with Holystone(images_repo=…, stages_storage=…, dir=…) as holystone:`

    `options` are those of `holystone cleanup`, with `_` for `-`: text, True or False, or a sequence of texts for what
    may be repeated. `environ` has the variables, which count where an option is silent; the process's own if it is not
    given. `listener` is told of every event. Nothing is printed, and nothing is asked. Every method raises
    HolystoneError, UsageError among them for what the options say.
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str] | None = None,
        listener: Listener | None = None,
        **options: str | bool | Sequence[str] | None,
    ) -> None:
        if unknown := sorted(options.keys() - {option.key for option in CLEANUP_OPTIONS}):
            raise UsageError(f"There is no option {', '.join(unknown)}.")
        given = {name: _as_typed(value) for name, value in options.items()}
        variables = os.environ if environ is None else environ
        carrying = resolve_apply(given, variables, "holystone.api")
        super().__init__(
            resolve(given, variables),
            variables,
            places=carrying.places,
            again=carrying.kubernetes,
            listeners=(listener,) if listener else (),
        )


def _as_typed(value: str | bool | Sequence[str] | None) -> str | tuple[str, ...] | None:
    """A value as it would be typed on the command line."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | None:
            return value
        case _:
            return tuple(value)
