"""Bytes against their digest."""

from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import Digest


def verify(body: bytes, digest: Digest, *, what: str) -> bytes:
    """The body that was given. Raises IncompleteSource if they are not what the digest says; `what` names them."""
    found = Digest.of(body, digest.algorithm)
    if found != digest:
        raise IncompleteSource(
            f"The content of {what} does not match its digest: {digest.short}… was asked, {found.short}… was sent.",
            what_to_do="A proxy or cache on the way, or the registry's storage, is damaged: nothing is decided on it.",
        )
    return body
