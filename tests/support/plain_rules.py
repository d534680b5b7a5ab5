"""The policies' text (docs/policies.md) said a second time, slowly and plainly, over plain data: which tags go.

It shares no code with the policies, the naming, the closure and the planner. Each rule's sentence stands above it.
"""

import re
from collections.abc import Mapping, Sequence

from tests.support.plain_history import by_history
from tests.support.plain_owners import Mine, image_names, in_use, records_of, tags_of
from tests.support.plain_world import Image, World, by_number

DAY = 24 * 3600
SLUGS = {"feature/login": "feature-login-723b424c"}
"""Names that are no valid tags, and what werf makes of them."""


def doomed(world: World) -> set[tuple[str, str]]:
    """Repository and tag of all that goes."""
    storage = world.contents.get(world.storage, {})
    names = image_names(world)
    # "If none of the images' repositories exists, stages and records are left alone."
    if not any(world.repository(name) in world.contents for name in names):
        return set()
    tags = [each for name in names for each in tags_of(world, name)]
    # "If no image has a tag although records name published images, the run stops, and nothing goes."
    if not tags and any(records_of(storage)):
        return set()
    gone: set[tuple[str, str]] = set()
    hidden = {name: unseen(world, name) for name in names}
    if world.images:
        for name in names:
            mine = [each for each in tags if each.image == name]
            records = [each for each in records_of(storage) if each.image == name]
            if world.strategies is None:
                going = by_history(world, mine, records, hidden[name] | possible(world, name))
                # "Unless other images have theirs: then that image's tags stay." Its records are another matter.
                stay = (
                    {(each.repository, each.tag) for each in mine}
                    if name in _unrecorded(world) and _have_theirs(world)
                    else set()
                )
                gone |= going - stay
            else:
                gone |= _by_strategy(world, mine)
    # "A stage stays if a remaining image descends from it": an image remains if it does not go.
    remaining = [each for each in tags if (each.repository, each.tag) not in gone]
    if world.stages:
        going_stages = _stages_that_go(world, storage, remaining, any(hidden.values()))
        # Where images and stages share a repository, what looks like both goes only as both.
        images_here = {each.tag for each in tags if each.repository == world.storage}
        staying_images = {each.tag for each in remaining if each.repository == world.storage}
        gone -= {(world.storage, tag) for tag in _stages(storage) if tag in images_here and tag not in going_stages}
        gone |= {(world.storage, tag) for tag in going_stages - staying_images}
    return gone


def unseen(world: World, name: str) -> set[str]:
    """ "Where an image's repository has no tag, all contents that its records name may be there; and the one that a
    listed tag is called after which cannot be read." """
    named = _named(world, name)
    return named & _broken(world, name) if world.contents.get(world.repository(name), {}) else named


def possible(world: World, name: str) -> set[str]:
    """ "Behind a tag that cannot be read and is not called after a content there may be any." What only attaches, by
    its name, is no image."""
    named = _named(world, name)
    called = re.compile(r"[0-9a-f]{56}|sha(256|512)-[0-9a-f]{64}(\.(sig|att|sbom))?")
    unnamed = {tag for tag in _broken(world, name) if not called.fullmatch(tag)}
    if world.repository(name) == world.storage:
        stored = re.compile(
            "[0-9a-f]{56}-[0-9]+(-rejected)?|(image-metadata-by-commit|managed-image|import-metadata)-.+"
        )
        unnamed = {tag for tag in unnamed if not stored.fullmatch(tag)}
    return named if unnamed else set()


def _named(world: World, name: str) -> set[str]:
    records = [each for each in records_of(world.contents.get(world.storage, {})) if each.image == name]
    return {each.signature for each in records if each.signature}


def _broken(world: World, name: str) -> set[str]:
    there = world.contents.get(world.repository(name), {})
    prefix = f"{name}-" if world.mode == "monorepo" and name else ""
    return {tag.removeprefix(prefix) for tag, about in there.items() if about is None and tag.startswith(prefix)}


def unrecorded(world: World) -> list[str]:
    """ "If *no* tag of an image has a record, the run stops, unless other images have theirs": the repositories of such
    images, one for each. Tags that are in use are not judged, and without v1.2 no tag goes for lack of a record."""
    return [] if _have_theirs(world) else sorted(world.repository(name) for name in _unrecorded(world))


def _have_theirs(world: World) -> bool:
    names = image_names(world)
    return any(_recorded(world, name) & {each.signature for each in tags_of(world, name)} for name in names)


def _recorded(world: World, name: str) -> set[str | None]:
    records = [each for each in records_of(world.contents.get(world.storage, {})) if each.image == name]
    return {each.signature for each in records} - {None}


def _unrecorded(world: World) -> list[str]:
    found = []
    for name in image_names(world):
        judged = [each for each in tags_of(world, name) if not in_use(world, each)]
        if judged and not _recorded(world, name) & {each.signature for each in judged} and not unseen(world, name):
            found.append(name)
    return found if world.images and world.v1_2 and world.strategies is None else []


# Tag strategies


def _by_strategy(world: World, mine: Sequence[Mine]) -> set[tuple[str, str]]:
    judged = [each for each in mine if not in_use(world, each)]
    gone = {each for each in judged if not _names_something(world, each)}
    for strategy, (limit, days) in (world.strategies or {}).items():
        # "Those go that were created so many days ago or earlier." Without a creation time an image never expires.
        of_strategy = {each for each in judged if each.strategy == strategy}
        if days is not None:
            gone |= {e for e in of_strategy if e.about.created > 0 and world.now - e.about.created >= days * DAY}
        # "Of the rest all but the newest so many of each image; of equal dates the last by natural order is the
        # newest."
        # Images without a date are not limited, "but a limit of 0 takes them".
        if limit is not None:
            rest = of_strategy - gone
            named = sorted((e for e in rest if e.about.created > 0), key=lambda e: by_number(e.tag), reverse=True)
            dated = sorted(named, key=lambda e: -e.about.created)
            gone |= set(dated[limit:]) | (rest if limit == 0 else set())
    return {(each.repository, each.tag) for each in gone}


def _names_something(world: World, each: Mine) -> bool:
    """ "git-branch and git-tag: the tag goes unless there is a branch of origin, or a git tag, whose name gives this
    tag. git-commit: it goes unless the clone has the commit." All others stay."""
    prefix = f"{each.image}-" if world.mode == "monorepo" and each.image else ""
    meta_tag = each.about.labels.get("werf-image-tag") or each.tag.removeprefix(prefix)
    kinds = {"git-branch": "branch", "git-tag": "tag"}
    if each.strategy in kinds:
        return any(SLUGS.get(r.name, r.name) == meta_tag for r in world.refs if r.kind == kinds[each.strategy])
    return each.strategy != "git-commit" or meta_tag in world.times


# Stages


def _stages(storage: Mapping[str, Image | None]) -> Mapping[str, Image | None]:
    """By tag: a signature and a number."""
    return {tag: about for tag, about in storage.items() if re.fullmatch("[^-]+-[0-9]+", tag)}


def _stages_that_go(
    world: World, storage: Mapping[str, Image | None], remaining: Sequence[Mine], hidden: bool
) -> set[str]:
    stages = _stages(storage)
    readable = {tag: about for tag, about in stages.items() if about is not None}
    # "A stage younger than two hours stays, with its ancestors and imports."
    # Its own time counts, else the milliseconds in its tag, else it is new.
    born = {
        tag: about.created if about.created > 0 else int(tag.split("-")[1]) // 1000 or world.now
        for tag, about in readable.items()
    }
    young = {tag for tag in readable if world.grace and world.now - born[tag] < world.grace}
    # "A stage that somebody runs stays too, with what it was built from."
    young |= {tag for tag, about in readable.items() if in_use(world, Mine("", world.storage, tag, about))}
    # "A stage stays if a remaining image descends from it, or if a stage that stays descends from it or imports from
    # it." Several stages can have one image id: all are needed.
    needed = {image_id for each in remaining for image_id in _made_of(each.about)}
    while True:
        staying = young | {tag for tag, about in readable.items() if about.config in needed}
        more = {image_id for tag in staying for image_id in _made_of(readable[tag])} - needed
        if not more:
            break
        needed |= more
    going = readable.keys() - staying
    # While a stage or an image cannot be read, any other may be its ancestor. "A rejected one holds nothing, unless
    # what stays is built on it, or may be": on what the storage does not know otherwise.
    unknown = needed - {about.config for about in readable.values()}
    if hidden or any(unknown or f"{tag}-rejected" not in storage for tag in stages.keys() - readable.keys()):
        going = set()
    # "Rejected stages go when nobody needs them, with their mark." A mark without a stage is nobody's.
    marks = {tag for tag in storage if re.fullmatch("[^-]+-[0-9]+-rejected", tag)}
    return set(going) | {mark for mark in marks if mark.removesuffix("-rejected") not in stages.keys() - going}


def _made_of(about: Image) -> set[str]:
    imports = {value for label, value in about.labels.items() if label.startswith("werf-import-")}
    return imports | ({about.parent} if about.parent else set())
