"""The tags of a repository, whose absence is not believed at once."""

from holystone.engine.ports import Listing, RepositorySession


async def list_twice(session: RepositorySession) -> Listing:
    """A repository that is said not to be there is asked for once more: a 404 may be a proxy's, or of a replica that
    lags, and whatever is named elsewhere as being in it would look gone. Raises what the registry raises."""
    listing = await session.list_tags()
    return listing if listing.exists else await session.list_tags()
