"""What went wrong, in words, and whether trying again can help.

Nothing of aiohttp's own errors is passed on: they carry request headers and proxy passwords in their fields.
"""

import os
import ssl

import aiohttp
from yarl import URL

from holystone.adapters.http.errors import summary
from holystone.adapters.http.rates import retry_after
from holystone.adapters.http.reply import Reply, address, printable
from holystone.engine.errors import HolystoneError, IncompleteSource, RegistryFailure, Unreachable
from holystone.engine.scheduler import RateLimited, RetriesExhausted, Transient

_LATER = "Run again when the registry is well."
_WITHOUT = (
    "It sends something else than a reply, or more than one, such as a body with HEAD or with an error. Ask it without "
    "the proxy before it; if the registry itself does that, report it to its makers."
)


_END = "UNEXPECTED_EOF_WHILE_READING"
"""OpenSSL's word for a connection that ends in the middle."""
RETRIED = frozenset((408, 429, 500, 502, 503, 504))
"""Statuses that are not for the caller, unless it says so."""


class NoAnswer(Transient):
    """No reply came at all."""


class NothingThere(NoAnswer):
    """Nobody listens at that port."""


class NoHandshake(NoAnswer):
    """Somebody listens, and hangs up on TLS."""


class SpeaksPlain(Unreachable):
    """Somebody listens, and answers TLS with something else."""


class Garbled(NoAnswer):
    """Something came, and it was no reply, or more than one."""


class CutShort(Transient):
    """The reply began and did not end."""


def retry_rule(reply: Reply, now: float) -> RateLimited | Transient | None:
    """What a status means where the vendor has no rule of its own. `now` is unix time."""
    if _is_page(reply):
        return Transient(f"{address(reply.url)} answered with a page for people, as no registry does")
    if reply.status not in RETRIED:
        return None
    reason = f"{address(reply.url)} answered {summary(reply)}"
    after = retry_after(reply.headers, now)
    if reply.status == 429 or (reply.status == 503 and after is not None):
        return RateLimited(reason, after)
    return Transient(reason)


def _is_page(reply: Reply) -> bool:
    """A success in HTML is somebody else's: a portal's, a proxy's. Quay says of all it does that it is HTML, too, and
    sends no body, or "OK" (endpoints/v2/manifest.py: Flask's default); of the reply to a HEAD there is but a length."""
    if not 200 <= reply.status < 300 or not reply.headers.get("Content-Type", "").lower().startswith("text/html"):
        return False
    if reply.body:
        return reply.body.lstrip().startswith(b"<")
    return reply.headers.get("Content-Length", "0") != "0" and "Docker-Content-Digest" not in reply.headers


def fault(error: Exception, host: str) -> Transient | Unreachable:
    """Transient if trying again can help, Unreachable if not."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return Unreachable(
                f"The certificate of {host} is not trusted: {printable(str(error.certificate_error))}.",
                what_to_do="Name the file of your certificate authority in SSL_CERT_FILE, "
                f"or pass --skip-tls-verify-registry={host}.",
            )
        case aiohttp.ClientConnectorSSLError() if _speaks_plain(error.os_error):
            return SpeaksPlain(
                f"{host} does not speak https.",
                what_to_do=f"If it is meant to speak plain http: --insecure-registry={host} for a registry, and an "
                "address with http:// in --repo-api-url for a vendor's own API.",
            )
        case aiohttp.ClientConnectorSSLError() if getattr(error.os_error, "reason", "") == _END:
            return NoHandshake(f"{host} ended the connection instead of speaking TLS", host_down=True)
        case aiohttp.ClientConnectorSSLError():
            return NoAnswer(f"TLS with {host} failed: {_reason(error.os_error)}", host_down=True)
        case UnicodeError():  # of Python's idna, before anybody is asked
            return Unreachable(f"{host} is no name that a host can have.", what_to_do="Check the address.")
        case aiohttp.ClientConnectorDNSError():
            return NoAnswer(f"the name {host} cannot be resolved: {_reason(error.os_error)}", host_down=True)
        case aiohttp.ClientProxyConnectionError():
            return NoAnswer(f"the proxy for {host} cannot be reached: {_reason(error.os_error)}", host_down=True)
        case aiohttp.ClientHttpProxyError():
            return Unreachable(
                f"The proxy does not let us through to {host}: status {error.status}.",
                what_to_do="Check HTTPS_PROXY, and name hosts that need no proxy in NO_PROXY.",
            )
        case aiohttp.ClientConnectorError(os_error=ConnectionResetError() | ConnectionAbortedError()):
            return NoHandshake(f"{host} cannot be reached: {_reason(error.os_error)}", host_down=True)
        case aiohttp.ClientConnectorError():
            return NothingThere(f"{host} cannot be reached: {_reason(error.os_error)}", host_down=True)
        case aiohttp.ConnectionTimeoutError():
            return NothingThere(f"{host} cannot be reached: no connection in time", host_down=True)
        case aiohttp.ClientPayloadError():
            return CutShort(f"the reply of {host} was cut short")
        case aiohttp.ClientResponseError():
            return Garbled(f"{host} sent what is no reply of HTTP: {printable(error.message)[:200]}")
        case TimeoutError():
            return NoAnswer(f"{host} did not answer in time", host_down=True)
        case _:
            return NoAnswer(f"the connection to {host} broke")


def failure(method: str, asked: URL, gave_up: RetriesExhausted) -> HolystoneError:
    """What an exhausted lane means: what could not be read decides nothing, what could not be written is a failure."""
    what = f"{method} {asked.path} at {address(asked)} failed: {gave_up}."
    fault = gave_up.fault
    if isinstance(fault, Garbled):
        return Unreachable(what, what_to_do=_WITHOUT)
    if isinstance(fault, NoAnswer) or (isinstance(fault, Transient) and fault.host_down):
        return Unreachable(
            what, what_to_do="Check the name, the network, the proxy variables and the firewall, then run again."
        )
    if method in ("GET", "HEAD"):
        return IncompleteSource(what, what_to_do=_LATER)
    return RegistryFailure(what, what_to_do=_LATER)


def _speaks_plain(error: OSError) -> bool:
    reason = getattr(error, "reason", "") or ""
    return isinstance(error, ssl.SSLError) and reason in (
        "WRONG_VERSION_NUMBER",
        "HTTP_REQUEST",
        "RECORD_LAYER_FAILURE",
    )


def _reason(error: OSError) -> str:
    if error.errno is not None and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return printable(error.strerror or str(error) or type(error).__name__)
