"""Documents of a werf.yaml → WerfConfig. Only what cleanup needs is checked; the rest is werf's business.

Keys: werf 1.1, "werf.yaml" reference; a section that is none of the known kinds is refused, as werf does, because
a mistyped `image:` would otherwise take an image's stages out of protection. So is a key of the meta section that werf
does not know, and keep policies anywhere else: where they are overlooked, the default ones delete what they keep.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from holystone.adapters.werf_yaml.go_values import as_text, as_whole_number
from holystone.adapters.werf_yaml.layers import layers
from holystone.adapters.yaml.nodes import Entry, Node, Path, Position, Reading, problem
from holystone.engine.errors import UsageError
from holystone.engine.model.references import ImageName, InvalidName

_PROJECT: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")
_META_KEYS: Final = ("configVersion", "project", "deploy", "cleanup")
_DEPLOY_KEYS: Final = ("helmRelease", "helmReleaseSlug", "namespace", "namespaceSlug")
_POLICY_KEYS: Final = ("cleanup", "keeppolicies", "imagesperreference")
_ALIKE: Final = 0.75
_MOST_IMAGES: Final = 100_000
"""Of one file: a list of names and a list of instructions that are layers make as many as the one times the other."""
_READING: Final[Reading] = {"branch": as_text, "tag": as_text, "last": as_whole_number, "in": as_whole_number}


@dataclass(frozen=True, slots=True)
class LocatedPolicies:
    """Keep policies as they were written, not yet understood."""

    data: Any
    source: str
    """The file, as errors name it."""
    _node: Node

    def locate(self, path: Path) -> Position:
        """Where the value at `path` (from the list of policies down) or its nearest existing parent stands."""
        return self._node.locate(path)


@dataclass(frozen=True, slots=True)
class WerfConfig:
    project: str
    images: tuple[ImageName, ...]
    """In the order of the file, each once; the empty name is `image: ~`."""
    keep_policies: LocatedPolicies | None
    """None if werf.yaml has none, which means werf's default policies."""
    source: str


def werf_config(documents: Sequence[Node], source: str) -> WerfConfig:
    """The configuration that the documents of a file make. Raises UsageError."""
    sections = [(document, _mapping(document, source, "a section of werf.yaml")) for document in documents]
    metas = [(node, keys) for node, keys in sections if "configVersion" in keys]
    if not metas:
        raise UsageError(f"{source}: no section has `configVersion: 1` and `project`")
    if len(metas) > 1:
        raise problem(source, metas[1][1]["configVersion"].position, "configVersion: a second meta section")
    meta_node, meta = metas[0]
    version = meta["configVersion"]
    number = as_whole_number(version.node)
    if type(number) is not int or number != 1:
        raise problem(source, version.position, "configVersion: must be 1")
    _only(meta, _META_KEYS, source)
    if (deploy := meta.get("deploy")) and deploy.node.value is not None:
        _only(_mapping(deploy.node, source, "deploy:", deploy.position), _DEPLOY_KEYS, source, "deploy.")
    names: dict[ImageName, None] = {}
    named = 0
    for node, keys in sections:
        if keys is not meta:
            _no_policies_here(node, keys, source)
            for name in _images(node, keys, source):
                names[name] = None
                named += 1
                if named > _MOST_IMAGES:
                    raise problem(source, node.position, f"more than {_MOST_IMAGES:,} images, those of layers included")
    return WerfConfig(
        project=_project(meta_node, meta, source),
        images=tuple(names),
        keep_policies=_cleanup(meta["cleanup"], source) if "cleanup" in meta else None,
        source=source,
    )


def policies_file(documents: Sequence[Node], source: str) -> LocatedPolicies:
    """A list of policies, alone or as `keepPolicies:` or `cleanup: {keepPolicies:}`. Raises UsageError."""
    if len(documents) != 1:
        count = "more than one YAML document" if documents else "nothing in it"
        raise UsageError(f"{source}: {count}; expected a list of keep policies")
    (node,) = documents
    if isinstance(node.value, tuple):
        return LocatedPolicies(node.plain(_READING), source, node)
    keys = _mapping(node, source, "a file of keep policies")
    _only(keys, ("cleanup", "keepPolicies"), source)
    if len(keys) > 1:
        raise problem(source, keys["keepPolicies"].position, "keepPolicies: stands beside cleanup; write one of them")
    found = _cleanup(keys["cleanup"], source) if "cleanup" in keys else _policies(keys.get("keepPolicies"), source)
    if found is None:
        raise problem(source, node.position, "no keep policies; expected a list of them")
    return found


def checked_project(name: str) -> str:
    """Raises ValueError."""
    if not _PROJECT.fullmatch(name):
        raise ValueError(f"{name[:80]!r} is not a project name: up to 50 of a-z, 0-9 and -, no - at either end")
    return name


def _project(node: Node, meta: dict[str, Entry], source: str) -> str:
    if "project" not in meta:
        raise problem(source, node.position, "project: is missing beside configVersion")
    position, value = meta["project"]
    name = as_text(value)
    if not isinstance(name, str):
        raise problem(source, position, f"project: expected text, found {value.kind}")
    try:
        return checked_project(name)
    except ValueError as error:
        raise problem(source, position, f"project: {error}") from error


def _no_policies_here(node: Node, keys: dict[str, Entry], source: str) -> None:
    """Further keys of an image are werf's business, but not what sounds like its cleanup. Deeper down only
    `keepPolicies` itself can mean nothing else: an argument or a variable may well be called cleanup."""
    alike = (each for each in keys.items() if difflib.get_close_matches(_folded(each[0]), _POLICY_KEYS, 1, _ALIKE))
    inside = (each for each in _all_keys(node) if _folded(each[0]) == "keeppolicies")
    for key, entry in (*alike, *inside):
        raise problem(
            source,
            entry.position,
            f"{key}: keep policies stand as cleanup.keepPolicies in the section with configVersion and nowhere else; "
            "is there a --- too early?",
        )


def _folded(key: str) -> str:
    return re.sub("[^a-z]", "", key.lower())


def _all_keys(node: Node) -> Iterator[tuple[str, Entry]]:
    if isinstance(node.value, dict):
        for key, entry in node.value.items():
            yield key, entry
            yield from _all_keys(entry.node)
    elif isinstance(node.value, tuple):
        for each in node.value:
            yield from _all_keys(each)


def _images(node: Node, keys: dict[str, Entry], source: str) -> Iterable[ImageName]:
    if "artifact" in keys:
        if "image" in keys:
            raise problem(source, keys["image"].position, "image: a section is either an image or an artifact")
        return ()
    if "image" not in keys:
        raise problem(source, node.position, "this section has none of the keys configVersion, image and artifact")
    position, value = keys["image"]
    if isinstance(value.value, tuple):
        if not value.value:
            raise problem(source, position, "image: an empty list names no image")
        names = [_image(each, each.position, source) for each in value.value]
    else:
        names = [_image(value, position, source)]
    return chain(names, map(ImageName, layers(names, keys)))


def _image(node: Node, position: Position, source: str) -> ImageName:
    if node.value is None:
        return ImageName("")
    if not isinstance(node.value, str):
        raise problem(source, position, f"image: expected a name, a list of names or ~, found {node.kind}; quote it")
    try:
        return ImageName.parse(node.value)
    except InvalidName as error:
        raise problem(source, position, f"image: {error}") from error


def _cleanup(entry: Entry, source: str) -> LocatedPolicies | None:
    if entry.node.value is None:
        return None
    keys = _mapping(entry.node, source, "cleanup:", entry.position)
    _only(keys, ("keepPolicies",), source, "cleanup.")
    return _policies(keys.get("keepPolicies"), source)


def _policies(entry: Entry | None, source: str) -> LocatedPolicies | None:
    if entry is None or entry.node.value is None:
        return None
    if not isinstance(entry.node.value, tuple):
        raise problem(source, entry.position, f"keepPolicies: expected a list of policies, found {entry.node.kind}")
    return LocatedPolicies(entry.node.plain(_READING), source, entry.node)


def _mapping(node: Node, source: str, what: str, position: Position | None = None) -> dict[str, Entry]:
    if not isinstance(node.value, dict):
        raise problem(source, position or node.position, f"{what} must be a mapping of keys, not {node.kind}")
    return node.value


def _only(keys: dict[str, Entry], known: tuple[str, ...], source: str, prefix: str = "") -> None:
    for key, entry in keys.items():
        if key not in known:
            raise problem(source, entry.position, f"{prefix}{key}: unknown key; expected {' or '.join(known)}")
