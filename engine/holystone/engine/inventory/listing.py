"""The tags of a repository, whose absence is not believed at once."""

from holystone.engine.events import tell
from holystone.engine.model.events import Listed
from holystone.engine.ports import TAGS, Listing, RepositorySession, Wanted


async def list_twice(session: RepositorySession, wanted: Wanted = TAGS) -> Listing:
    """A repository that is said not to be there is asked for once more: a 404 may be a proxy's, or of a replica that
    lags, and whatever is named elsewhere as being in it would look gone. Raises what the registry raises."""
    listing = await session.list_tags(wanted)
    if not listing.exists:
        listing = await session.list_tags(wanted)
    tell(Listed(session.repository, len(listing.tags), listing.exists))
    return listing
