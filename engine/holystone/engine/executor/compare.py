"""Compare before delete: a tag that moved after it was planned is left alone."""

from collections.abc import Awaitable

from holystone.engine.errors import DeletionDisabled, RegistryFailure
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.outcomes import AlreadyGone, Failed, MovedMeanwhile, Outcome
from holystone.engine.model.references import Digest


async def compare(look: Awaitable[Digest | None], *expected: Digest) -> Digest | Outcome:
    """Which of the expected manifests a tag points to, or the outcome of a step that cannot go on."""
    try:
        now = await look
    except DeletionDisabled:
        raise
    except RegistryFailure as error:
        return Failed(str(error))
    if now is None:
        return AlreadyGone()
    return now if now in expected else MovedMeanwhile(now)


def recorded(work: RepositoryWork, digest: Digest) -> Outcome | None:
    """None if the manifest's bytes are in the journal, else the outcome of a step that would delete it."""
    if digest in work.manifests:
        return None
    if problem := work.unreadable.get(digest):
        return Failed(f"its manifest cannot be read, and nothing is deleted that could not be put back: {problem}")
    return AlreadyGone()
