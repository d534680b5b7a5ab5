"""JSON that two readers understand differently.

Go, which nearly all registries and clients are written in, takes a key in any case, folded as Unicode does (`ſ` is an
`s`, the Kelvin sign a `k`), and merges what comes twice (encoding/json, Unmarshal). Here a key is what it is, and the
last one wins. So a manifest may list a child for them and none for us: whatever has two meanings has none.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeAlias

Fields: TypeAlias = Mapping[str, "Fields | None"]
"""What is read of an object; None for what is no object, or one with keys of its own, such as labels."""

_DESCRIPTOR: Final[Fields] = MappingProxyType({"mediaType": None, "digest": None, "size": None})
MANIFEST: Final[Fields] = MappingProxyType(
    {
        "mediaType": None,
        "artifactType": None,
        "config": _DESCRIPTOR,
        "layers": _DESCRIPTOR,
        "manifests": _DESCRIPTOR,
        "subject": _DESCRIPTOR,
        "fsLayers": None,
    }
)
_ANNOTATED_DESCRIPTOR: Final[Fields] = MappingProxyType({**_DESCRIPTOR, "annotations": None})
ANNOTATED: Final[Fields] = MappingProxyType(
    {**MANIFEST, "annotations": None, "layers": _ANNOTATED_DESCRIPTOR, "manifests": _ANNOTATED_DESCRIPTOR}
)
"""For whoever looks at annotations, too."""
CONFIG: Final[Fields] = MappingProxyType({"created": None, "config": MappingProxyType({"Labels": None, "Image": None})})
_UNUSUAL: Final = re.compile(rb"\\u(?:00[4-7]|017[fF]|212[aA])|\xc5\xbf|\xe2\x84\xaa")
"""Letters written as escapes, and those beyond ASCII that fold to one."""
_HOLDERS: Final = ("manifests", "subject")


class Ambiguous(ValueError):
    """The document has two meanings: nothing may be concluded from it."""


class _Object(list[tuple[str, Any]]):
    """An object with every key that it has, in their order."""


def refuse_ambiguous(body: bytes, fields: Fields) -> None:
    """Raises Ambiguous, ValueError for what is no JSON, and RecursionError."""
    _check(_parsed(body), fields)


def may_be_ambiguous(body: bytes, fields: Fields) -> bool:
    """Quickly, for what is large and seldom is: every key in another case, or a top key that comes twice. False: it is
    not, as far as the case goes."""
    lower = body.lower()
    return bool(_UNUSUAL.search(body)) or any(
        lower.count(f'"{name.lower()}"'.encode()) != body.count(f'"{name}"'.encode()) for name in _names(fields)
    )


def mentioned(body: bytes) -> tuple[str, ...]:
    """What any reader may take for the digest of a manifest that this one needs, in a manifest that cannot be
    understood; empty if it is no JSON at all."""
    try:
        return tuple(dict.fromkeys(_digests(_parsed(body))))
    except (ValueError, RecursionError):
        return ()


def _parsed(body: bytes) -> Any:
    return json.loads(body.decode(errors="replace"), object_pairs_hook=_Object)


def _check(value: Any, fields: Fields) -> None:
    if isinstance(value, list) and not isinstance(value, _Object):
        for each in value:
            _check(each, fields)
        return
    if not isinstance(value, _Object):
        return
    exact = {name.casefold(): name for name in fields}
    seen: set[str] = set()
    for key, inner in value:
        name = exact.get(key.casefold())
        if name is None:
            continue
        if key != name or name in seen:
            raise Ambiguous(
                f"{'two keys are' if name in seen else 'a key is'} read as {name} by some and not by others"
            )
        seen.add(name)
        if (within := fields[name]) is not None:
            _check(inner, within)


def _digests(value: Any) -> Iterator[str]:
    for key, inner in value if isinstance(value, _Object) else ():
        if key.casefold() in _HOLDERS:
            descriptors: Sequence[Any] = inner if type(inner) is list else (inner,)
            for each in descriptors:
                for name, digest in each if isinstance(each, _Object) else ():
                    if name.casefold() == "digest" and isinstance(digest, str):
                        yield digest


def _names(fields: Fields) -> Iterator[str]:
    for name, within in fields.items():
        yield name
        yield from _names(within or {})
