"""Images in use, out of the words of pods, container runtimes and people."""

from holystone.engine.model.in_use import UsedImage, User
from holystone.engine.model.references import Digest
from holystone.engine.naming.addresses import DEFAULT_TAG, parse_reference


def parse_used_image(text: str, by: User) -> UsedImage:
    """`NAME`, `NAME:TAG`, `NAME@DIGEST`, `NAME:TAG@DIGEST`, a bare digest, and what runtimes report as `imageID`, such
    as `docker-pullable://NAME@DIGEST`. Raises InvalidName."""
    name = text.strip()
    _, scheme, rest = name.partition("://")
    if scheme:
        name = rest
    if name.startswith("sha256:") and "/" not in name:
        return UsedImage(None, None, Digest.parse(name), by)
    reference = parse_reference(name)
    tag = reference.tag or (None if reference.digest else DEFAULT_TAG)
    return UsedImage(reference.repository, tag, reference.digest, by)
