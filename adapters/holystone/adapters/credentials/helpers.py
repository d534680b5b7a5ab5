"""Credential helpers: programs `docker-credential-…` that know a secret (docker/docker-credential-helpers)."""

import re

import msgspec

from holystone.adapters.credentials.credential import Credential, IdentityToken, UserPassword
from holystone.adapters.credentials.redaction import redacted
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.programs import ProgramFailed, ProgramMissing, run_program
from holystone.engine.errors import UsageError

HELPER_TIMEOUT = 30.0
"""Seconds; a locked key ring would wait for ever."""
_SUFFIX = re.compile(r"[A-Za-z0-9._-]+")
_NOT_FOUND = "credentials not found in native keychain"
_IDENTITY = "<token>"


class HelperMissing(Exception):
    """There is no such program, or it is none."""


class _Answer(msgspec.Struct):
    Username: str = ""
    Secret: str = ""


async def ask_helper(suffix: str, server: str, *, origin: str, timeout: float = HELPER_TIMEOUT) -> Credential | None:
    """What the helper knows of `server`; None if nothing.

    Raises HelperMissing, and UsageError for a helper that fails, hangs or talks nonsense. What it printed is shown
    only if it failed: otherwise it is the secret."""
    if not _SUFFIX.fullmatch(suffix):
        raise UsageError(f"{suffix[:100]!r} is not a name of a credential helper ({origin}).")
    program = f"docker-credential-{suffix}"
    ended, trouble = None, ""
    try:
        ended = await run_program((program, "get"), told=server.encode(), timeout=timeout)
    except ProgramMissing as error:
        raise HelperMissing(program) from error
    except ProgramFailed as error:
        trouble = str(error)
    # Outside of `except`: that error's frames hold what the program printed.
    if ended is None:
        raise UsageError(
            f"The credential helper {program} ({origin}) {trouble} for {server}.",
            what_to_do="It may be waiting for a key ring to be unlocked: try it by hand.",
        )
    # Standard error is free text that may hold anything; the protocol puts errors on standard output.
    code, output, _ = ended
    if code:
        said = redacted(output.decode("utf-8", "replace"))
        said = " ".join("".join(c if c.isprintable() else " " for c in said).split())
        if said == _NOT_FOUND:
            return None
        said = said.partition("{")[0].strip(" .")  # a script that failed after it had answered: that is the secret
        raise UsageError(
            f"The credential helper {program} ({origin}) failed for {server}: {said[:200] or f'exit status {code}'}."
        )
    try:
        answer = msgspec.json.decode(output, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        answer = None
    if answer is None:
        raise UsageError(f"The credential helper {program} ({origin}) did not answer in JSON for {server}.")
    if not answer.Secret:
        return None
    if answer.Username == _IDENTITY:
        return IdentityToken(Secret(answer.Secret), origin)
    return UserPassword(answer.Username, Secret(answer.Secret), origin)
