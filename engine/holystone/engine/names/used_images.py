"""Images in use, out of the words of pods, container runtimes and people."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Final

from holystone.engine.model.in_use import UsedImage, User
from holystone.engine.model.references import Digest, InvalidName, Reference, Repository, Tag
from holystone.engine.names.addresses import DEFAULT_REGISTRY, DEFAULT_TAG, parse_reference

_BARE: Final = {64: "sha256", 128: "sha512"}
"""Hexadecimal digits of a digest without its algorithm → the algorithm."""
_HEX: Final = re.compile("[0-9a-f]+")
_SHORTEST_ID: Final = 12
"""Hexadecimal digits that programs show of an image's id."""


def parse_used_image(text: str, by: User) -> UsedImage:
    """An image in use as people and clusters write it: `NAME`, `NAME:TAG`, `NAME@DIGEST`, `NAME:TAG@DIGEST`, a bare
    digest with or without its algorithm, each also behind a scheme as `docker-pullable://`. Raises InvalidName."""
    name = _without_scheme(text.strip())
    if digest := _bare_digest(name):
        return UsedImage(None, None, digest, by)
    reference = parse_reference(name)
    tag = reference.tag or (None if reference.digest else DEFAULT_TAG)
    return UsedImage(reference.repository, tag, reference.digest, by)


def image_id_names(text: str) -> Sequence[str]:
    """The names in what a runtime reports as a pod's `imageID`: one or several, with blanks or commas between."""
    return re.split(r"[\s,]+", text.strip())


def parse_image_id(name: str, by: User) -> UsedImage:
    """One of those names.

    Kubernetes does not say what it looks like ("may not match the image ID of the image used in the PodSpec"). Seen:
    `docker-pullable://NAME@DIGEST` and `docker://sha256:…` (Docker), `NAME@DIGEST` and `sha256:…` (containerd),
    `NAME@DIGEST` and 64 hexadecimal digits alone (CRI-O). A digest protects even where its name is none that a
    registry could have (Docker's `<none>@DIGEST`). Raises InvalidName for everything else: something runs there."""
    name = _without_scheme(name)
    if _HEX.fullmatch(name) and len(name) >= _SHORTEST_ID and len(name) not in _BARE:
        raise InvalidName(f"{name[:200]!r} looks like an image id that is cut short")
    before, at, digest = name.rpartition("@")
    if not at:
        return parse_used_image(name, by)
    known = _bare_digest(digest) or Digest.parse(digest)
    try:
        reference = parse_reference(before)
    except InvalidName:
        return UsedImage(None, None, known, by)
    return UsedImage(reference.repository, reference.tag, known, by)


def unlisted(used: Iterable[UsedImage], listed: Mapping[Repository, Set[Tag]]) -> Mapping[Reference, tuple[User, ...]]:
    """Tags in use of repositories that were listed, which their lists do not have, sorted, with who uses each. What was
    pulled by digest is known by that."""
    repositories = {each.canonical: each for each in listed}
    found: defaultdict[Reference, dict[User, None]] = defaultdict(dict)
    for each in used:
        at = repositories.get(each.repository.canonical) if each.repository and not each.digest else None
        if at and each.tag and each.tag not in listed[at]:
            found[Reference(at, each.tag)][each.by] = None
    return {reference: tuple(found[reference]) for reference in sorted(found)}


def may_name(text: str, repository: Repository) -> bool:
    """Whether a text that names no image, as `registry.example/shop/app:$(TAG)` with a variable that something has
    still to fill in, may become the name of one in `repository`: if its host or its path is in it, in either case."""
    words, at = text.lower(), repository.canonical
    path = at.path.removeprefix("library/") if at.host == DEFAULT_REGISTRY else at.path
    if f"{at.host}/" in words:
        return True
    # The quick look first: there may be thousands of long words, and hundreds of repositories.
    return path in words and bool(re.search(rf"(?<![a-z0-9._-]){re.escape(path)}(?![a-z0-9._/-])", words))


def _without_scheme(text: str) -> str:
    before, scheme, rest = text.partition("://")
    return rest if scheme else before


def _bare_digest(text: str) -> Digest | None:
    """The digest that a text is; None for what is no digest, or has something before it. Raises InvalidName for one
    that is broken."""
    if _HEX.fullmatch(text) and (algorithm := _BARE.get(len(text))):
        return Digest(f"{algorithm}:{text}")
    begins = text.partition(":")[0].lower()
    return Digest.parse(text.lower()) if begins in _BARE.values() and ":" in text and "/" not in text else None
