"""Which certificates are trusted where nobody says otherwise: the system's, or SSL_CERT_FILE's and SSL_CERT_DIR's."""

import os
import ssl
from functools import cache


def usual_trust() -> ssl.SSLContext:
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


def leniently(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same context without what is new and strict in it. Python 3.13 wants extensions that the authorities of
    companies and clusters often lack: basic constraints that are critical, key identifiers
    (kubernetes-client/python#2394). Go, curl and browsers take them."""
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


@cache
def _context(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    context = leniently(ssl.create_default_context())
    context.set_alpn_protocols(("http/1.1",))
    return context
