"""Compare before delete: a tag that moved after it was planned is left alone. One look that says so is not enough: it
may have been given the answer to another question."""

from collections.abc import Awaitable

from holystone.engine.errors import DeletionDisabled, RegistryFailure, Unauthorized
from holystone.engine.events import about
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.outcomes import AlreadyGone, Failed, Forbidden, MovedMeanwhile, Needed, Outcome
from holystone.engine.model.references import Digest, Tag


async def compare(
    work: RepositoryWork, tag: Tag, look: Awaitable[Digest | None], *expected: Digest
) -> Digest | Outcome:
    """Which of the expected manifests a tag points to, or the outcome of a step that cannot go on. Raises Doubtful as
    `tag_resolver.look_again`."""
    try:
        with about(tag=tag):
            now = await look
            if now is not None and now not in expected:
                now = await work.look_again(tag)
    except DeletionDisabled:
        raise
    except Unauthorized as error:
        return Forbidden(error.message)
    except RegistryFailure as error:
        return Failed(str(error))
    if now is None:
        return AlreadyGone()
    return now if now in expected else MovedMeanwhile(now)


async def elsewhere(work: RepositoryWork, tag: Tag, *expected: Digest) -> Outcome | None:
    """The outcome of a step whose tag points elsewhere; None if it still points to one of the expected manifests."""
    now = await compare(work, tag, work.session.resolve(tag), *expected)
    return None if isinstance(now, Digest) else now


def recorded(work: RepositoryWork, digest: Digest) -> Outcome | None:
    """The outcome of a step that would delete a manifest which was not recorded; None if its bytes are in the
    journal."""
    if digest in work.manifests:
        return None
    if problem := work.unreadable.get(digest):
        return Failed(f"its manifest cannot be read, and nothing is deleted that could not be put back: {problem}")
    return AlreadyGone()


async def bared(work: RepositoryWork, digest: Digest, *, drops: bool) -> Outcome | None:
    """None unless a manifest stays, and the tags that were to stay on it are elsewhere by now: then the outcome of a
    step that would take away its last one, with which it may go. An index may need it all the same. `drops`: the
    registry does that."""
    tags = work.kept_on.get(digest)
    if tags is None or not drops:
        return None

    async def on_it(tag: Tag) -> bool:
        if await work.resolver.tag(tag) == digest or await work.session.resolve(tag, alone=True) == digest:
            return True
        if tags and tags[-1] == tag:
            tags.pop()
        return False

    try:
        if tags and await on_it(tags[-1]):
            return None
        async with work.looking_for[digest]:  # or each of hundreds of steps would ask for hundreds of tags
            while tags:
                if await on_it(tags[-1]):
                    return None
    except DeletionDisabled:
        raise
    except Unauthorized as error:
        return Forbidden(error.message)
    except RegistryFailure as error:
        return Failed(str(error))
    return Needed(digest)
