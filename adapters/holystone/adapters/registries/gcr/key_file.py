"""Google's credential files: keys of service accounts, a person's own login, workload identity federation.

google-auth knows all their kinds, but blocks, and brings no HTTP client that can be had without further packages: it
works in a thread, and its requests are sent by our own transport in the event loop.
"""

import datetime as dt
import time
import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final
from urllib.parse import parse_qsl

import anyio
import anyio.from_thread
import anyio.to_thread
from yarl import URL

from holystone.adapters.credentials.redaction import remember
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorization import opened_document
from holystone.adapters.http.reply import printable
from holystone.adapters.http.wire import Wire
from holystone.adapters.registries.gcr.access_tokens import AccessToken, ask
from holystone.engine.errors import Unauthorized, UsageError
from holystone.engine.scheduler import Transient

_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_LIFETIME: Final = 3600.0
"""Seconds, where it is not said."""
_SECRET_FIELDS: Final = {"assertion", "refresh_token", "client_secret", "subject_token", "actor_token"}


class _Reply:
    """What google-auth expects of a transport (google/auth/transport/__init__.py, Response)."""

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.status = status
        self.headers = headers
        self.data = data


class KeyFile:
    """`document` is the file's content. Raises UsageError if it is none of Google's, or google-auth is missing."""

    def __init__(self, wire: Wire, document: Secret, where: str, *, base64_encoded: bool = False) -> None:
        """`where` it was found, for people."""
        self._wire = wire
        try:
            self._info = opened_document(document, base64_encoded=base64_encoded)
        except ValueError as error:
            raise UsageError(f"The credential in {where} cannot be used: {error}.") from None
        try:
            self._google_auth: Any = import_module("google.auth")
            self._errors: Any = import_module("google.auth.exceptions")
            self._scoped: Any = import_module("google.auth.credentials").with_scopes_if_required
        except ImportError:
            raise UsageError(
                f"The Google credential in {where} needs the package google-auth.",
                what_to_do="pip install 'holystone[gcr]', or log in with docker login.",
            ) from None
        self._credentials: Any = None
        self.origin = f"{_whose(self._info)}, {where}"

    async def fetch(self) -> AccessToken:
        asked_at = time.monotonic()
        # google-auth's errors hold replies, and tracebacks with keys as locals: only their words are taken.
        problem: Exception
        try:
            token, lifetime = await anyio.to_thread.run_sync(self._refresh, abandon_on_cancel=True)
        except self._errors.RefreshError as error:
            if error.retryable:
                problem = Transient(f"Google's token server: {_words(error)}")
            else:
                problem = Unauthorized(
                    f"Google refuses {self.origin}: {_words(error)}.",
                    what_to_do="Log in again (gcloud auth application-default login), or use another key.",
                )
        except (self._errors.GoogleAuthError, ValueError, KeyError) as error:
            problem = UsageError(f"Google's credential cannot be used ({self.origin}): {_words(error)}.")
        else:
            return AccessToken.of(token, lifetime, asked_at)
        raise problem

    def _refresh(self) -> tuple[Any, float]:
        """Gets a new token, in a thread."""
        if self._credentials is None:
            with warnings.catch_warnings():
                # It warns of files from strangers; this one is the user's own.
                warnings.simplefilter("ignore")
                loaded, _ = self._google_auth.load_credentials_from_dict(self._info, request=self._request)
            self._credentials = self._scoped(loaded, [_SCOPE])
        self._credentials.refresh(self._request)
        expiry: dt.datetime | None = self._credentials.expiry
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)  # its times are UTC without saying so
        return self._credentials.token, (expiry - now).total_seconds() if expiry else _LIFETIME

    def _request(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> _Reply:
        """google-auth's transport, called in its thread. Its own `timeout` is longer than ours."""
        sent = body.encode() if isinstance(body, str) else body
        form = dict(parse_qsl((sent or b"").decode("utf-8", "replace")))
        for name in _SECRET_FIELDS & form.keys():
            remember(form[name])
        reply = anyio.from_thread.run(ask, self._wire, method, URL(url), dict(headers or {}), sent)
        return _Reply(reply.status, reply.headers, reply.body)

    def __repr__(self) -> str:
        return f"<KeyFile {self.origin}>"


def _whose(info: Mapping[str, Any]) -> str:
    match info:
        case {"client_email": str(email)}:
            return f"service account {printable(email)}"
        case {"type": "authorized_user"}:
            return "your own Google login"
        case {"type": str(kind)}:
            return printable(kind).replace("_", " ")
        case _:
            return "a Google credential"


def _words(error: BaseException) -> str:
    return printable(str(error.args[0])).rstrip(".") if error.args else type(error).__name__
