"""How a cluster's certificate is checked, and the certificate that a user shows."""

import os
import ssl
import sys
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from holystone.adapters.credentials.secret import Secret
from holystone.adapters.files import read_file
from holystone.adapters.http.authorization import opened_bytes
from holystone.adapters.http.reply import printable
from holystone.adapters.http.tls import leniently
from holystone.adapters.kubernetes.kubeconfig import Cluster, User
from holystone.engine.errors import IncompleteSource

_LARGEST: Final = 1 << 20
"""Bytes of a file that a kubeconfig names."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate and its key, both in PEM."""

    certificate: str
    key: Secret


def tls_context(cluster: Cluster, certificate: ClientCertificate | None) -> ssl.SSLContext:
    """Raises IncompleteSource."""
    trusted = authority(cluster)
    try:
        context = leniently(ssl.create_default_context(cadata=trusted))
    except (ssl.SSLError, ValueError) as error:
        raise IncompleteSource("its certificate authority is not a certificate in PEM") from error
    if cluster.insecure_skip_tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate:
        pem = certificate.certificate.encode() + b"\n" + opened_bytes(certificate.key)
        try:
            with _as_file(pem) as name:
                # With a password, so that nobody is asked for one at a terminal.
                context.load_cert_chain(name, password="")
        except (ssl.SSLError, ValueError) as error:
            raise IncompleteSource(
                "its client certificate and key cannot be used: they do not belong together, are not PEM, or the key "
                "has a password"
            ) from error
    return context


def authority(cluster: Cluster) -> str | None:
    """The certificates in PEM that the cluster's is checked against; None: those of the system. Raises
    IncompleteSource."""
    if cluster.certificate_authority_data:
        pem = _decoded(cluster.certificate_authority_data, "certificate-authority-data")
    elif cluster.certificate_authority:
        pem = read_text(cluster.certificate_authority)
    else:
        return None
    if not pem.strip():  # which would mean those of the system
        raise IncompleteSource("its certificate authority is empty")
    return pem.encode("ascii", "ignore").decode()  # comments may have other letters, which the ssl module takes ill


def certificate_of(user: User) -> ClientCertificate | None:
    """Raises IncompleteSource."""
    data, key_data = user.client_certificate_data, user.client_key_data
    if not (data or user.client_certificate):
        return None
    if not (key_data or user.client_key):
        raise IncompleteSource("its user has a client certificate without a key")
    certificate = _decoded(data, "client-certificate-data") if data else read_text(user.client_certificate)
    if not key_data:
        return ClientCertificate(certificate, Secret(read_text(user.client_key)))
    try:
        key = opened_bytes(key_data, base64_encoded=True).decode("ascii", "replace")
    except ValueError as error:
        raise IncompleteSource(f"its client-key-data cannot be used: {error}") from error
    return ClientCertificate(certificate, Secret(key))


def read_text(file: str) -> str:
    """Raises IncompleteSource."""
    try:
        return read_file(file, _LARGEST).decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        why = (isinstance(error, OSError) and error.strerror) or str(error)
        raise IncompleteSource(f"{printable(file)} cannot be read: {why}") from error


def _decoded(data: str, field: str) -> str:
    try:
        return b64decode("".join(data.split()), validate=True).decode("utf-8", "replace")
    except ValueError as error:
        raise IncompleteSource(f"its {field} is not base64") from error


@contextmanager
def _as_file(body: bytes) -> Iterator[str]:
    """The ssl module reads keys from files only: one that is in memory, where the system has that."""
    if sys.platform == "linux":
        with os.fdopen(os.memfd_create("holystone"), "wb") as file:
            file.write(body)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(body)
            file.flush()
            yield file.name
