"""What a catalog shows."""

from holystone.engine.model.references import RepositoryPath
from holystone.engine.ports import Registry


async def listed(registry: Registry, prefix: str | None = None) -> list[str]:
    """Paths, as often as they come. Of odd names there must be none."""
    found: list[str] = []
    async for page in registry.repositories(RepositoryPath(prefix) if prefix else None):
        assert not page.odd
        assert all(each.host == registry.host for each in page.repositories)
        found += [str(each.path) for each in page.repositories]
    return found


async def odd(registry: Registry, prefix: str | None = None) -> list[str]:
    """Names that are no repository's."""
    return [
        name async for page in registry.repositories(RepositoryPath(prefix) if prefix else None) for name in page.odd
    ]
