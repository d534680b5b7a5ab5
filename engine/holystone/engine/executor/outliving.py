"""A manifest that stays must outlive its last tag. That it does was planned by what is known of the registry; whether
it does is seen after the first one, before others follow."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from holystone.engine.errors import HolystoneError, RegistryFailure
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.outcomes import WouldDrop
from holystone.engine.model.plan import How, Untag
from holystone.engine.model.references import Digest, Tag

Untags = Sequence[Untag]


async def one_by_one(
    work: RepositoryWork, steps: Untags, take_away: Callable[[Untags], Awaitable[None]], went: Callable[[Untag], bool]
) -> Untags:
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

    async def one(group: Untags) -> None:
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
