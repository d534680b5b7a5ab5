"""Names of the images that `asLayers: true` makes of one: one for each instruction, each built on the one before.

werf publishes and manages them like any other image, so that their stages have to stay, too. werf 1.1, "Caching each
instruction separately with asLayers".
"""

from collections.abc import Iterable, Iterator
from typing import Final

from holystone.adapters.yaml.nodes import Entry, Node

_STAGES: Final = ("beforeInstall", "install", "beforeSetup", "setup")
_IMPORTS: Final = (("before", "install"), ("after", "install"), ("before", "setup"))
"""What is imported after `setup` is part of the image itself."""


def layers(images: Iterable[str], keys: dict[str, Entry]) -> Iterator[str]:
    """The names of an image's layers that are pushed, too; none unless the section `keys`, which all these images are
    of, says so. The nameless one is ""."""
    if "asLayers" not in keys or keys["asLayers"].node.value is not True:
        return
    parts = tuple(_parts(keys))
    for image in images:
        prefix = f"{image}-" if image else ""
        yield from (f"{prefix}{part}" for part in parts)


def _parts(keys: dict[str, Entry]) -> Iterator[str]:
    instructions = _inside(keys, "shell") or _inside(keys, "ansible")
    for stage in _STAGES:
        if stage in instructions:
            yield from (f"{stage.lower()}-{number}" for number, _ in enumerate(_items(instructions[stage].node)))
    if "git" in keys and _items(keys["git"].node):
        yield "git"
    imports = [each.value for each in _items(keys["import"].node)] if "import" in keys else []
    for when, stage in _IMPORTS:
        if any(isinstance(each, dict) and when in each and each[when].node.value == stage for each in imports):
            yield f"{when}-{stage}-artifacts"


def _inside(keys: dict[str, Entry], key: str) -> dict[str, Entry]:
    value = keys[key].node.value if key in keys else None
    return value if isinstance(value, dict) else {}


def _items(node: Node) -> tuple[Node, ...]:
    """The commands of a list; one may be written without a list."""
    if isinstance(node.value, tuple):
        return node.value
    return () if node.value is None else (node,)
