"""What a file of policies says of registries: implementations that there are, and logins by reference alone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from holystone.adapters.credentials.reference import InFile, is_reference, parse_reference
from holystone.adapters.registries.implementations import IMPLEMENTATIONS
from holystone.adapters.yaml.nodes import Path as KeyPath
from holystone.engine.errors import UsageError
from holystone.engine.model.references import InvalidName, RegistryHost
from holystone.policies.retention.rules import RegistryAccess

_LOGIN: Final = ("username", "password")
Place = Callable[[KeyPath], str]
"""Where in the file a key stands, and how it is called."""


def checked_registries(
    registries: Mapping[str, RegistryAccess], place: Place, path: Callable[[str], Path]
) -> dict[RegistryHost, RegistryAccess]:
    """The same by canonical host, with the whole paths of files. Raises UsageError, which repeats nothing that may be a
    secret."""
    found: dict[RegistryHost, RegistryAccess] = {}
    for text, access in registries.items():
        try:
            host = RegistryHost.parse(text)
        except InvalidName as error:
            raise UsageError(
                f"{place(('registries', text))}: {error}", what_to_do="Write HOST or HOST:PORT."
            ) from error
        found[RegistryHost(host.removesuffix(":443"))] = _checked(text, access, place, path)
    return found


def _checked(host: str, access: RegistryAccess, place: Place, path: Callable[[str], Path]) -> RegistryAccess:
    if access.implementation not in (None, *IMPLEMENTATIONS):
        at = place(("registries", host, "implementation"))
        raise UsageError(f"{at}: {access.implementation!r} is not one of {', '.join(IMPLEMENTATIONS)}")
    username, password = (
        said and _reference(said, place(("registries", host, "credentials", key)), path)
        for key, said in zip(_LOGIN, (access.username, access.password), strict=True)
    )
    return RegistryAccess(access.implementation, username, password)


def _reference(text: str, at: str, path: Callable[[str], Path]) -> str:
    if not is_reference(text):
        raise UsageError(
            f"{at}: this is not env:NAME or file:PATH; a file of policies holds no login",
            what_to_do="Put it into a variable or a file, and say which.",
        )
    reference = parse_reference(text, at, expanded=path)
    return f"file:{reference.path}" if isinstance(reference, InFile) else text
