"""Tags as Gitea and Forgejo keep them: without capital letters, and answering to every spelling."""

from collections.abc import Iterable
from typing import Any

from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.references import Digest


class FoldedTags(dict[str, Digest]):
    def __init__(self, tags: Iterable[tuple[str, Digest]]) -> None:
        super().__init__((tag.lower(), digest) for tag, digest in tags)

    def __getitem__(self, tag: str) -> Digest:
        return super().__getitem__(tag.lower())

    def __setitem__(self, tag: str, digest: Digest) -> None:
        super().__setitem__(tag.lower(), digest)

    def __contains__(self, tag: object) -> bool:
        return isinstance(tag, str) and super().__contains__(tag.lower())

    def get(self, tag: str, default: Any = None) -> Any:
        return super().get(tag.lower(), default)

    def pop(self, tag: str, *default: Any) -> Any:
        return super().pop(tag.lower(), *default)


def fold(registry: EmbeddedRegistry) -> None:
    for repository in registry.storage.repositories.values():
        repository.tags = FoldedTags(repository.tags.items())
