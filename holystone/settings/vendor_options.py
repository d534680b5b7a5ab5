"""The options that are a vendor's own: what its record says of its logins, for both repositories and for each."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, Literal

from holystone.adapters.registries.implementations import VENDORS
from holystone.adapters.registries.vendor import PasswordOptions, TokenOption
from holystone.settings.option import Option

_PLACES: Final = {
    "repo": "both repositories",
    "images-repo": "the images repo",
    "stages-storage-repo": "the stages storage",
}


def _of_place(place: str) -> Iterator[Option]:
    for vendor in VENDORS.values():
        for login in vendor.logins:
            match login:
                case TokenOption(name=name, help=what):
                    yield _option(place, name, what, login.variables, credential="secret")
                case PasswordOptions(name=name):
                    user, password = f"{name}-username", f"{name}-password"
                    yield _option(place, user, login.username, login.variables, metavar="NAME", credential="name")
                    yield _option(place, password, login.password, login.variables, credential="secret")
    what = "address of the registry's own API, where it cannot be told from the registry's"
    yield _option(place, "api-url", what, "HOLYSTONE", metavar="URL")


def _option(
    place: str,
    name: str,
    what: str,
    variables: str,
    *,
    metavar: str = "TEXT",
    credential: Literal["", "name", "secret"] = "",
) -> Option:
    return Option(
        f"{place}-{name}",
        f"{what[0].upper()}{what[1:]}, for {_PLACES[place]}.",
        (f"{variables}_{place}_{name}".upper().replace("-", "_"),),
        metavar=metavar,
        hidden=place != "repo",  # there are many, and few need them; the README names them
        credential=credential,
    )


VENDOR_OPTIONS: Final[Mapping[str, Option]] = MappingProxyType(
    {option.name: option for place in _PLACES for option in _of_place(place)}
)
"""By name. What is said for one place wins over what is said for both."""
