"""Credential helpers: programs `docker-credential-…` that know a secret (docker/docker-credential-helpers)."""

import contextlib
import os
import re
import signal
import subprocess

import anyio
import anyio.abc
import msgspec

from holystone.adapters.credentials.credential import Credential, IdentityToken, UserPassword
from holystone.adapters.credentials.secret import Secret
from holystone.engine.errors import UsageError

HELPER_TIMEOUT = 30.0
"""Seconds; a locked key ring would wait for ever."""
_LARGEST = 64 * 1024
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
    code, output = await _run(program, server, origin, timeout)
    if code:
        said = " ".join("".join(c if c.isprintable() else " " for c in output.decode("utf-8", "replace")).split())
        if said == _NOT_FOUND:
            return None
        raise UsageError(
            f"The credential helper {program} ({origin}) failed for {server}: {said[:200] or f'exit status {code}'}."
        )
    try:
        answer = msgspec.json.decode(output, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        answer = None
    if answer is None:
        raise UsageError(f"The credential helper {program} ({origin}) did not answer in JSON for {server}.")
    if not answer.Secret:
        return None
    if answer.Username == _IDENTITY:
        return IdentityToken(Secret(answer.Secret), origin)
    return UserPassword(answer.Username, Secret(answer.Secret), origin)


async def _run(program: str, server: str, origin: str, timeout: float) -> tuple[int, bytes]:
    try:
        # Cancelled in between, it would run on with nobody to end its children.
        with anyio.CancelScope(shield=True):
            process = await anyio.open_process(
                [program, "get"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # Free text that may hold anything; the protocol puts errors on standard output.
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
    except (FileNotFoundError, PermissionError) as error:
        raise HelperMissing(program) from error
    except OSError as error:
        raise UsageError(f"The credential helper {program} ({origin}) cannot be started: {error.strerror}.") from error
    answer: tuple[int, bytes] | None = None
    try:
        with anyio.move_on_after(timeout):
            answer = await _talk(process, server)
            return answer
    except _TooMuch:
        pass
    else:
        raise UsageError(
            f"The credential helper {program} ({origin}) did not answer within {timeout:g} s for {server}.",
            what_to_do="It may be waiting for a key ring to be unlocked: try it by hand.",
        )
    finally:
        with anyio.CancelScope(shield=True):
            if answer is None:
                # The whole group: a script's children would live on.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            await process.aclose()
    raise UsageError(f"The credential helper {program} ({origin}) printed more than {_LARGEST} bytes.")


class _TooMuch(Exception):
    pass


async def _talk(process: anyio.abc.Process, server: str) -> tuple[int, bytes]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("opened without pipes")
    # A helper may end without reading what it was asked.
    with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        await process.stdin.send(server.encode())
    with contextlib.suppress(OSError):
        await process.stdin.aclose()
    output = b""
    async for part in process.stdout:
        output += part
        if len(output) > _LARGEST:
            raise _TooMuch
    return await process.wait(), output
