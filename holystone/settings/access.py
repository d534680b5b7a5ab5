"""How registries are reached: the vendors' own credentials and API addresses, for each of the project's places, and the
hosts for which an exception is made."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, TypeAlias

from yarl import URL

from holystone.adapters.credentials.reference import Login, PasswordLogin, TokenLogin
from holystone.adapters.http.hosts import Hosts, host_of
from holystone.adapters.registries.implementations import VENDORS
from holystone.adapters.registries.reach import Access, TokenServer
from holystone.adapters.registries.vendor import PasswordOptions, TokenOption, Vendor
from holystone.engine.errors import UsageError
from holystone.engine.model.plan import Place
from holystone.engine.model.references import InvalidName, RegistryHost
from holystone.settings import options as o
from holystone.settings.given import PASSED_OVER, Given, GivenValue
from holystone.settings.option import Option
from holystone.settings.secrets import secret_reference
from holystone.settings.vendor_options import VENDOR_OPTIONS

_Options: TypeAlias = tuple[Option, Option]
"""For one place and for both."""
_PREFIXES: Final[dict[Place, str]] = {"images": "images-repo", "stages": "stages-storage-repo"}


def resolve_access(given: Given) -> dict[Place, Access]:
    """What is said for one place wins over what is said for both, credential by credential. Raises UsageError."""
    return {place: _access(given, prefix) for place, prefix in _PREFIXES.items()}


def resolve_shared_access(given: Given) -> Access:
    """What is said for both places, which is all that counts where there are none. Raises UsageError."""
    return _access(given, "repo")


def resolve_hosts(given: Given, option: Option) -> Hosts:
    """A word for yes or no is about the registries themselves; anything else is a host. Raises UsageError.

    A word in a variable of werf's that werf passes over is no: there is no exception that werf would not make."""
    registries, named = False, set[RegistryHost]()
    for value in map(GivenValue.without_user_info, given.values(option)):
        if value.source.startswith("$WERF_") and value.text.lower() in PASSED_OVER:
            registries = False
        elif value.is_boolean:
            registries = value.boolean()
        elif re.search(r"[.:]|^localhost$", value.text):
            named.add(_host(value, value.text, "HOST or HOST:PORT"))
        else:
            raise UsageError(
                f"{value.source}: {value.text!r} is neither yes (1, true, yes) nor no (0, false, no) nor a host",
                what_to_do="Write HOST or HOST:PORT.",
            )
    return Hosts(registries, frozenset(named))


def resolve_token_servers(given: Given) -> tuple[TokenServer, ...]:
    """Raises UsageError."""
    found = []
    for value in map(GivenValue.without_user_info, given.values(o.TRUST_TOKEN_SERVER)):
        registry, both, server = value.text.rpartition("=")
        words = "HOST or HOST:PORT, after REGISTRY= if it is for one registry alone"
        found.append(TokenServer(_host(value, server, words), _host(value, registry, words) if both else None))
    return tuple(found)


def _host(value: GivenValue, text: str, words: str) -> RegistryHost:
    try:
        return RegistryHost.parse(text)
    except InvalidName as error:
        raise UsageError(f"{value.source}: {error}", what_to_do=f"Write {words}.") from error


def _access(given: Given, prefix: str) -> Access:
    found = {name: _login(given, prefix, vendor) for name, vendor in VENDORS.items()}
    url = _url(given, *_both(prefix, "api-url"))
    return Access({name: login for name, login in found.items() if login}, url)


def _login(given: Given, prefix: str, vendor: Vendor) -> Login | None:
    tokens = (_token(given, *_both(prefix, each.name)) for each in vendor.logins if isinstance(each, TokenOption))
    passwords = (_password(given, *pair) for pair in _pairs(prefix, vendor))
    return next((login for login in chain(tokens, passwords) if login), None)


def _token(given: Given, *options: Option) -> Login | None:
    value = given.filled(*options)
    return TokenLogin(secret_reference(given, value)) if value else None


def _password(given: Given, users: _Options, passwords: _Options) -> Login | None:
    user, password = given.filled(*users), given.filled(*passwords)
    return PasswordLogin(user.text, secret_reference(given, password)) if user and password else None


def half_logins(given: Given) -> Iterable[str]:
    """What was given of a login and is none, as sentences for people: often a variable that a group of projects has."""
    for prefix in _PREFIXES.values():
        for users, passwords in chain.from_iterable(_pairs(prefix, vendor) for vendor in VENDORS.values()):
            user, password = given.filled(*users), given.filled(*passwords)
            there, lacking = (user, passwords) if user else (password, users)
            if there and not (user and password):
                yield f"{there.source} has no effect: the other half of the login is not given ({lacking[-1].flag})."


def _pairs(prefix: str, vendor: Vendor) -> Iterator[tuple[_Options, _Options]]:
    """The pairs of options of a user and a password."""
    for each in vendor.logins:
        if isinstance(each, PasswordOptions):
            yield _both(prefix, f"{each.name}-username"), _both(prefix, f"{each.name}-password")


def _both(prefix: str, name: str) -> _Options:
    return VENDOR_OPTIONS[f"{prefix}-{name}"], VENDOR_OPTIONS[f"repo-{name}"]


def _url(given: Given, *options: Option) -> URL | None:
    value = given.filled(*options)
    if value is None:
        return None
    try:
        url = URL(value.text.rstrip("/"))
        host_of(url)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host or url.query_string or url.fragment or url.user:
        raise UsageError(
            f"{value.source}: not the address of an API.",
            what_to_do="Write https://HOST or https://HOST/PATH, without a password in it.",
        )
    return url
