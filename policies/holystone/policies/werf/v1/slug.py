"""werf's slugs: any text becomes part of a tag, and a hash tells apart what would otherwise look the same."""

import re
from typing import Final

import mmh3

from holystone.policies.werf.v1.characters import ASCII

TAG_LIMIT: Final = 128
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def docker_tag_slug(reference: str) -> str:
    """The tag that werf gives to the image of a git branch or tag. A name that is a valid tag stays as it is."""
    if not reference or (_TAG.fullmatch(reference) and len(reference) <= TAG_LIMIT):
        return reference
    return cut_slug(reference, TAG_LIMIT)


def slugify(text: str) -> str:
    """The text in lower-case letters, digits and single inner dashes."""
    slug: list[str] = []
    for character in text:
        spelled = ASCII.get(character, "")
        if spelled == "-" and (not slug or slug[-1] == "-"):
            continue
        if spelled:
            slug.append(spelled)
    if slug and slug[-1] == "-":
        slug.pop()
    return "".join(slug)


def cut_slug(text: str, limit: int) -> str:
    """Slug and hash in at most `limit` characters. As in werf, a cut may leave a dash before the one that joins them:
    names must match."""
    digest = _murmur(text)
    slug = slugify(text)[: max(limit - len(digest) - 1, 0)]
    return f"{slug}-{digest}" if slug else digest


def _murmur(text: str) -> str:
    """Hexadecimal without leading zeros, as werf prints it. Git names need not be UTF-8: their bytes are hashed."""
    return f"{mmh3.hash(text.encode('utf-8', 'surrogateescape'), 0, signed=False):x}"
