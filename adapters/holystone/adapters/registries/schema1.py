"""Docker's first kind of manifest, with the signature inside it. Its digest is that of what was signed, not of the
bytes that the registry sends (distribution 2.8, manifest/schema1/manifest.go; github.com/docker/libtrust,
jsonsign.go, `ParsePrettySignature`)."""

import base64

import msgspec


class _Signature(msgspec.Struct):
    protected: str


class _Signed(msgspec.Struct):
    signatures: list[_Signature]


class _Protected(msgspec.Struct):
    formatLength: int
    formatTail: str


def signed_payload(body: bytes) -> bytes | None:
    """What the signatures are of; None for what is not signed so. Whether the signature is right is nobody's question:
    the digest tells whether these are the bytes."""
    try:
        said = [
            msgspec.json.decode(_decoded(each.protected), type=_Protected)
            for each in msgspec.json.decode(body, type=_Signed).signatures
        ]
        payloads = {body[: each.formatLength] + _decoded(each.formatTail) for each in said if each.formatLength > 0}
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return payloads.pop() if len(payloads) == 1 else None


def _decoded(text: str) -> bytes:
    """base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
