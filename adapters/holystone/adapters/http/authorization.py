"""The one place where secrets are revealed: Authorization headers, login bodies and what libraries take as files."""

import base64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from typing import Any
from urllib.parse import urlencode

import msgspec

from holystone.adapters.credentials.secret import Secret
from holystone.engine.errors import UsageError


@dataclass(frozen=True, slots=True)
class Authorization:
    """An Authorization header that does not show itself."""

    scheme: str
    secret: Secret
    born: float = -inf
    """When a token was fetched, on the monotonic clock."""
    headers: Mapping[str, str | Secret] = field(default_factory=dict, hash=False, repr=False)
    """What else has to be sent for it to count, e.g. the time of a signature."""

    @property
    def claims(self) -> Mapping[str, Any]:
        """What a JWT says of itself, unverified. Not kept: it may take twenty times the token's memory."""
        return _claims(_open(self.secret))


def basic(username: str, password: Secret) -> Authorization:
    """Raises UsageError for what is no Unicode, as `secret_json` and `secret_form` do."""
    pair = f"{_text(username)}:{_text(password)}"
    return Authorization("Basic", Secret(base64.b64encode(pair.encode()).decode()))


def bearer(token: Secret, born: float = -inf) -> Authorization:
    return Authorization("Bearer", token, born)


def with_authorization(headers: Mapping[str, str], authorization: Authorization | None) -> Mapping[str, str]:
    """Raises UsageError for a secret that cannot stand in a header."""
    if authorization is None:
        return headers
    its_own = {name: _open(value) for name, value in authorization.headers.items()}
    its_own["Authorization"] = f"{authorization.scheme} {_open(authorization.secret)}"
    if not all(value.isprintable() for value in its_own.values()):
        raise UsageError(
            f"The {authorization.scheme} credential contains a line break or another control character.",
            what_to_do="Check the variable or file it comes from for a stray newline.",
        )
    return {**headers, **its_own}


def secret_json(fields: Mapping[str, str | Secret]) -> bytes:
    """A JSON object for a vendor's login call. Send it through `RegistryHttp.request(body=…)` only."""
    return msgspec.json.encode({name: _text(value) for name, value in fields.items()})


def secret_form(fields: Mapping[str, str | Secret]) -> bytes:
    """The fields as application/x-www-form-urlencoded."""
    return urlencode({name: _text(value) for name, value in fields.items()}).encode()


def opened_bytes(secret: Secret, *, base64_encoded: bool = False) -> bytes:
    """A secret that is itself a file: a private key for TLS, a configuration. Raises ValueError, which says nothing of
    the content."""
    text = _open(secret)
    if not base64_encoded:
        return text.encode()
    with suppress(ValueError):
        return base64.b64decode("".join(text.split()), validate=True)
    # Outside of `except`: decoding errors may hold a part of it.
    raise ValueError("it is not base64")


def opened_document(secret: Secret, *, base64_encoded: bool = False) -> dict[str, Any]:
    """A secret that is itself a JSON object (a service account's key), for the library that signs with it. Raises
    ValueError, which says nothing of the content."""
    document: Any = None
    try:
        text = _open(secret).encode()
        document = msgspec.json.decode(base64.b64decode(text) if base64_encoded else text)
    except (ValueError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    # Outside of `except`: decoding errors may hold a part of it.
    if not isinstance(document, dict):
        raise ValueError("it is not a JSON object")
    return document


def _claims(token: str) -> Mapping[str, Any]:
    """RFC 7519: the middle of three parts. Empty for anything else."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _text(value: str | Secret) -> str:
    """A variable may be in another encoding, and JSON may have half a character."""
    text = _open(value)
    with suppress(UnicodeEncodeError):
        text.encode()
        return text
    # Outside of it: that error holds the text.
    raise UsageError(
        "A user name, password or token contains something that is no character.",
        what_to_do="Check the variable or file it comes from: it has to be UTF-8.",
    )


def _open(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value
