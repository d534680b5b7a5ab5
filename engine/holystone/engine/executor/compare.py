"""What is looked at right before something goes, and after the first of its kind.

A tag that moved after it was planned is left alone. One look that says so is not enough: it may have been given the
answer to another question. Nothing goes whose bytes were not recorded. And a manifest that stays must outlive its last
tag: that it does was planned by what is known of the registry; whether it does is seen before others follow.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from holystone.engine.errors import DeletionDisabled, HolystoneError, RegistryFailure, Unauthorized
from holystone.engine.events import about
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.outcomes import AlreadyGone, Failed, Forbidden, MovedMeanwhile, Needed, Outcome, WouldDrop
from holystone.engine.model.plan import How, Untag
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


async def one_by_one(
    work: RepositoryWork,
    steps: Sequence[Untag],
    take_away: Callable[[Sequence[Untag]], Awaitable[None]],
    went: Callable[[Untag], bool],
) -> Sequence[Untag]:
    """Takes away the tags after which a manifest that stays has none: the first of each kind that goes alone, the
    others only if its manifest is still there. One that went is pushed back at once. `went`: whether that step took its
    tag away. Returns the other steps, untouched."""
    tagged = {each.digest for each in work.plan.kept}
    staying = frozenset(work.plan.kept_manifests) - tagged
    groups: dict[tuple[How, Digest], list[Untag]] = defaultdict(list)
    others = []
    for step in steps:
        if step.digest in staying:
            groups[step.how, step.digest].append(step)
        else:
            others.append(step)

    async def one(group: Sequence[Untag]) -> None:
        how, digest = group[0].how, group[0].digest
        if seen := work.dropped.get(how):
            await work.settle({step.id: WouldDrop(seen) for step in group})
            return
        await take_away(group)
        if any(map(went, group)):
            shown.add(how)
            if await work.is_absent(digest):
                work.dropped.setdefault(how, digest)
                await _push_back(work, digest, group[-1].tag)

    shown: set[How] = set()
    for key in tuple(groups):
        if key[0] not in shown:
            await work.each([groups.pop(key)], one)
    await work.each(groups.values(), one)
    return others


async def _push_back(work: RepositoryWork, digest: Digest, tag: Tag) -> None:
    try:
        await work.session.push_manifest(digest, await work.raw(digest))
    except HolystoneError as error:
        raise RegistryFailure(
            f"{work.repository}: the registry dropped {digest}, which was to stay, when Holystone took away its last "
            f"tag, {tag}; and it could not be pushed back: {error.message}",
            what_to_do="`holystone undo` tries it again. Please report which registry that is.",
        ) from error
    work.mended[digest] = tag
