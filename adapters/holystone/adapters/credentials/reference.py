"""Where a secret is: what settings hold of one, so that they can go to another process without it."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from holystone.adapters.credentials.credential import Credential, RegistryToken, UserPassword
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.files import read_file
from holystone.engine.errors import UsageError

LARGEST: Final = 1 << 20
"""How many bytes a file that holds a secret may have."""
_VARIABLE, _FILE = "env:", "file:"


class InVariable(msgspec.Struct, frozen=True, tag="env"):
    """`env:NAME`: in a variable of the process that does the work."""

    name: str
    given_by: str
    """The option or variable that refers to it: `--repo-quay-token`, `$WERF_REPO_QUAY_TOKEN`."""

    @property
    def origin(self) -> str:
        return f"{_VARIABLE}{self.name} of {self.given_by}"


class InFile(msgspec.Struct, frozen=True, tag="file"):
    """`file:PATH`: the content of a file, without a line end after it. It may be a pipe, which can be read once."""

    path: str
    """Absolute."""
    given_by: str

    @property
    def origin(self) -> str:
        return f"{_FILE}{self.path} of {self.given_by}"


class AsGiven(msgspec.Struct, frozen=True):
    """The secret itself, which stays in this process: nothing can write it."""

    secret: Secret
    given_by: str

    @property
    def origin(self) -> str:
        return self.given_by


SecretReference: TypeAlias = InVariable | InFile | AsGiven


class TokenLogin(msgspec.Struct, frozen=True):
    token: SecretReference

    @property
    def origin(self) -> str:
        return self.token.origin


class PasswordLogin(msgspec.Struct, frozen=True):
    username: str | InVariable | InFile
    password: SecretReference

    @property
    def origin(self) -> str:
        return self.password.origin


Login: TypeAlias = TokenLogin | PasswordLogin


def is_reference(text: str) -> bool:
    return text.startswith((_VARIABLE, _FILE))


def parse_reference(text: str, given_by: str, expanded: Callable[[str], Path] = Path) -> SecretReference:
    """What was given for a secret. One that begins with `env:` or `file:` itself can be given by reference only. A path
    counts from the working directory, and is `expanded` before. Raises UsageError, which repeats nothing that may be a
    secret."""
    if text.startswith(_VARIABLE):
        name = text.removeprefix(_VARIABLE)
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise UsageError(
                f"{given_by}: what follows `{_VARIABLE}` is not the name of a variable.",
                what_to_do=f"Write {_VARIABLE}NAME. A secret that begins so itself goes into a file, and {_FILE}PATH "
                "says where.",
            )
        return InVariable(name, given_by)
    if text.startswith(_FILE):
        path = text.removeprefix(_FILE)
        if not path or "\0" in path:
            raise UsageError(f"{given_by}: `{_FILE}` is followed by no path.", what_to_do=f"Write {_FILE}PATH.")
        return InFile(str(expanded(path).absolute()), given_by)
    return AsGiven(Secret(text), given_by)


def read_secret(reference: SecretReference, environ: Mapping[str, str]) -> Secret:
    """The secret itself, at the last moment, in the process that needs it. Waits for a pipe. Raises UsageError, which
    says what it is that is not there or cannot be read."""
    return reference.secret if isinstance(reference, AsGiven) else Secret(_referred(reference, environ))


def _referred(reference: InVariable | InFile, environ: Mapping[str, str]) -> str:
    match reference:
        case InVariable(name, given_by):
            if text := environ.get(name, ""):
                return text
            raise UsageError(
                f"{given_by} refers to the variable {name}, which is not set, or empty.", what_to_do="Set it."
            )
        case InFile(path, given_by):
            return _text_of(path, f"{given_by} refers to the file {path}, which")


def read_login(login: Login, environ: Mapping[str, str]) -> Credential:
    """The credential with its secret. Raises as `read_secret`."""
    match login:
        case TokenLogin(token):
            return RegistryToken(read_secret(token, environ), token.origin)
        case PasswordLogin(username, password):
            name = username if isinstance(username, str) else _referred(username, environ)
            return UserPassword(name, read_secret(password, environ), password.origin)


def _text_of(path: str, what: str) -> str:
    try:
        body = read_file(path, LARGEST + 1)
    except OSError as error:
        raise UsageError(
            f"{what} cannot be read: {error.strerror}.", what_to_do="Name a file that its user can read."
        ) from error
    if len(body) > LARGEST:
        raise UsageError(f"{what} is larger than {LARGEST:,} bytes.", what_to_do="Name the file of the secret alone.")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = None
    if text is None:  # outside of `except`: the decoder's error holds the content
        raise UsageError(f"{what} is not UTF-8.", what_to_do="Name the file of the secret alone.")
    if not (text := re.sub(r"\r?\n\Z", "", text)):
        raise UsageError(f"{what} is empty.", what_to_do="Write the secret into it.")
    return text
