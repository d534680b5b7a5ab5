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
        # Not yet the payloads: thousands of signatures, each of another one, would be thousands of manifests.
        formats = {(each.formatLength, each.formatTail) for each in said if each.formatLength > 0}
        if len(formats) != 1:
            return None
        length, tail = formats.pop()
        return body[:length] + _decoded(tail)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _decoded(text: str) -> bytes:
    """The bytes of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
