"""The policies' text (docs/policies.md) said a second time, slowly and plainly, over plain data: which tags go.

It shares no code with the policies, the naming, the closure and the planner. Each rule's sentence stands above it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tests.support.plain_world import HOST, Image, Ref, World

DAY = 24 * 3600
NANO = 10**9
SLUGS = {"feature/login": "feature-login-723b424c"}
"""Names that are no valid tags, and what werf makes of them."""
WERF_DEFAULTS: Sequence[Any] = (
    {"references": {"tag": "/.*/", "limit": {"last": 10}}},
    {
        "references": {"branch": "/.*/", "limit": {"last": 10, "in": "168h", "operator": "And"}},
        "imagesPerReference": {"last": 2, "in": "168h", "operator": "And"},
    },
    {"references": {"branch": "/^(master|staging|production)$/"}, "imagesPerReference": {"last": 10}},
)


class Mine(NamedTuple):
    """A tag that belongs to an image of the project."""

    image: str
    repository: str
    tag: str
    about: Image

    @property
    def signature(self) -> str | None:
        return self.about.labels.get("werf-content-signature")

    @property
    def strategy(self) -> str | None:
        return self.about.labels.get("werf-tag-strategy")


class Record(NamedTuple):
    tag: str
    image: str
    commit: str
    signature: str | None


def doomed(world: World) -> set[tuple[str, str]]:
    """Repository and tag of all that goes."""
    storage = world.contents.get(world.storage, {})
    # "Names of images are those of werf.yaml and those of the managed-image records."
    managed = {tag.removeprefix("managed-image-") for tag in storage if tag.startswith("managed-image-")}
    names = set(world.configured) | {"" if name == "__nameless__" else name for name in managed}
    # "If none of the images' repositories exists, stages and records are left alone."
    if not any(world.repository(name) in world.contents for name in names):
        return set()
    tags = [each for name in names for each in _tags_of(world, name)]
    gone: set[tuple[str, str]] = set()
    if world.images:
        for name in names:
            mine = [each for each in tags if each.image == name]
            records = [each for each in _records(storage) if each.image == name]
            if world.strategies is None:
                gone |= _by_history(world, mine, records)
            else:
                gone |= _by_strategy(world, mine)
    # "A stage stays if a remaining image descends from it": an image remains if it does not go.
    remaining = [each for each in tags if (each.repository, each.tag) not in gone]
    if world.stages:
        going_stages = _stages_that_go(world, storage, remaining)
        # Where images and stages share a repository, what looks like both goes only as both.
        images_here = {each.tag for each in tags if each.repository == world.storage}
        staying_images = {each.tag for each in remaining if each.repository == world.storage}
        gone -= {(world.storage, tag) for tag in _stages(storage) if tag in images_here and tag not in going_stages}
        gone |= {(world.storage, tag) for tag in going_stages - staying_images}
    return gone


def _tags_of(world: World, name: str) -> Iterable[Mine]:
    """ "A tag belongs to an image if its configuration has the label werf-image=true and, where several images share a
    repository, werf-image-name is exactly the name." """
    repository = world.repository(name)
    for tag, about in world.contents.get(repository, {}).items():
        if about is None or about.labels.get("werf-image") != "true":
            continue
        prefix = f"{name}-" if name else ""
        is_named = about.labels.get("werf-image-name") == name and tag.startswith(prefix)
        if world.mode == "multirepo" or is_named:
            yield Mine(name, repository, tag, about)


def _records(storage: Mapping[str, Image | None]) -> Iterable[Record]:
    """ "A metadata record says: image I had signature S at commit C." """
    for tag, about in storage.items():
        if found := re.fullmatch("image-metadata-by-commit-(.+)-([0-9a-f]{40})", tag):
            name = "" if found[1] == "__nameless__" else found[1]
            yield Record(tag, name, found[2], about.labels.get("ContentSignature") if about else None)


def _in_use(world: World, each: Mine) -> bool:
    """By name, or by the digest of the manifest or of the configuration, wherever that was pulled from."""
    name = f"{HOST}/{each.repository}:{each.tag}"
    digests = (each.about.manifest, each.about.config)
    return any(used == name or used.partition("@")[2] in digests or used in digests for used in world.used)


# Git history


def _limited(dated: Sequence[tuple[int, Any]], limit: Mapping[str, Any] | None, now: int) -> set[Any]:
    """`limit`ed by `last` (the newest so many, -1 all) and `in` (those of the time before now); both unless `Or`.
    `dated`: newest first."""
    last, within = (limit or {}).get("last"), (limit or {}).get("in")
    everything = {name for _, name in dated}
    newest = everything if last in (None, -1) else {name for _, name in dated[:last]}
    young = everything if within is None else {name for date, name in dated if date * NANO > now * NANO - _nano(within)}
    if last is not None and within is not None and (limit or {}).get("operator") == "Or":
        return newest | young
    return newest & young


def _nano(within: str | int) -> int:
    """A Go duration of one unit, or nanoseconds."""
    units = {"s": NANO, "m": 60 * NANO, "h": 3600 * NANO}
    return within if isinstance(within, int) else int(within[:-1]) * units[within[-1]]


def _selected(world: World) -> Mapping[Ref, Mapping[str, Any] | None]:
    """ "Keep policies select git references, by exact name or by an expression between slashes, newest first, limited.
    Where several policies select a reference, the last one counts." """
    chosen: dict[Ref, Mapping[str, Any] | None] = {}
    for policy in world.policies or WERF_DEFAULTS:
        kind = "branch" if "branch" in policy["references"] else "tag"
        pattern = policy["references"][kind]
        matching = [
            ref
            for ref in sorted(world.refs, key=lambda ref: (-ref.date, ref.name))
            if ref.kind == kind
            and (re.search(pattern[1:-1], ref.name) if pattern.startswith("/") else ref.name == pattern)
        ]
        for ref in _limited([(ref.date, ref) for ref in matching], policy["references"].get("limit"), world.now):
            chosen[ref] = policy.get("imagesPerReference")
    return chosen


def reachable(world: World, ref: Ref) -> set[str]:
    """ "A branch reaches every commit of its history, a git tag its own commit only." """
    reached = {ref.commit}
    while ref.kind == "branch":
        more = {parent for commit in reached for parent in world.parents[commit]} - reached
        if not more:
            break
        reached |= more
    return reached


def _by_history(world: World, mine: Sequence[Mine], records: Sequence[Record]) -> set[tuple[str, str]]:
    selected = _selected(world)
    judged = [each for each in mine if not _in_use(world, each)]
    heads = {ref.commit for ref in selected if ref.kind == "branch"}
    taking_part = {each.signature for each in judged} & {record.signature for record in records} - {None}
    kept: set[str | None] = set()
    kept_at: set[tuple[str | None, str]] = set()
    # "For each selected reference the content signatures with a record at a reached commit are ranked by their newest
    # reached commit, and imagesPerReference keeps the first ones." Of equal dates the head counts as the newest.
    for ref, limit in selected.items():
        newest: dict[str, str] = {}
        for signature in taking_part:
            reached = {record.commit for record in records if record.signature == signature} & reachable(world, ref)
            if signature and reached:
                newest[signature] = min(reached, key=lambda c: (-world.times[c], c not in heads, c))
        ranked = sorted((-world.times[commit], commit != ref.commit, key) for key, commit in newest.items())
        for signature in _limited([(-minus, key) for minus, _, key in ranked], limit, world.now):
            kept.add(signature)
            kept_at.add((signature, newest[signature]))
    # A record that does not say its signature could have any: if a selected reference reaches its commit, nothing of
    # the image goes for lack of a reference.
    everything_reached = {commit for ref in selected for commit in reachable(world, ref)}
    if any(record.signature is None and record.commit in everything_reached for record in records):
        going = set()
    else:
        # "A signature that any reference keeps keeps all its tags. Every other tag of the image goes."; "tags without
        # a record" only with v1.2.
        going = {
            each for each in judged if each.signature not in kept and (each.signature in taking_part or world.v1_2)
        }
    remaining = {each.signature for each in mine if each not in going}
    return {(each.repository, each.tag) for each in going} | {
        (world.storage, record.tag)
        for record in records
        if record.signature is not None and _record_goes(world, record, remaining, kept, kept_at, taking_part)
    }


def _record_goes(
    world: World,
    record: Record,
    remaining: set[str | None],
    kept: set[str | None],
    kept_at: set[tuple[str | None, str]],
    taking_part: set[str | None],
) -> bool:
    """ "For every reference and kept signature the newest one stays, and those that no remaining tag needs go." """
    if record.signature not in remaining:
        return True
    # What stays for another reason than a reference, and commits that do not exist, keep all their records.
    if record.signature not in kept or record.signature not in taking_part or record.commit not in world.times:
        return False
    return (record.signature, record.commit) not in kept_at


# Tag strategies


def _by_strategy(world: World, mine: Sequence[Mine]) -> set[tuple[str, str]]:
    judged = [each for each in mine if not _in_use(world, each)]
    gone = {each for each in judged if not _names_something(world, each)}
    for strategy, (limit, days) in (world.strategies or {}).items():
        # "Those go that were created so many days ago or earlier." Without a creation time an image never expires.
        of_strategy = {each for each in judged if each.strategy == strategy}
        if days is not None:
            gone |= {e for e in of_strategy if e.about.created > 0 and world.now - e.about.created >= days * DAY}
        # "Of the rest all but the newest so many of each image; of equal dates the first by name is the newest."
        # Images without a date are not limited, "but a limit of 0 takes them".
        if limit is not None:
            rest = of_strategy - gone
            dated = sorted((e for e in rest if e.about.created > 0), key=lambda e: (-e.about.created, e.tag))
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


def _stages_that_go(world: World, storage: Mapping[str, Image | None], remaining: Sequence[Mine]) -> set[str]:
    stages = _stages(storage)
    readable = {tag: about for tag, about in stages.items() if about is not None}
    # "A stage younger than two hours stays, with its ancestors and imports."
    # Its own time counts, else the milliseconds in its tag, else it is new.
    born = {
        tag: about.created if about.created > 0 else int(tag.split("-")[1]) // 1000 or world.now
        for tag, about in readable.items()
    }
    young = {tag for tag in readable if world.grace and world.now - born[tag] < world.grace}
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
    # While a stage cannot be read, any other may be its ancestor.
    if len(readable) < len(stages):
        going = set()
    # "Rejected stages go when nobody needs them, with their mark." A mark without a stage is nobody's.
    marks = {tag for tag in storage if re.fullmatch("[^-]+-[0-9]+-rejected", tag)}
    return set(going) | {mark for mark in marks if mark.removesuffix("-rejected") not in stages.keys() - going}


def _made_of(about: Image) -> set[str]:
    imports = {value for label, value in about.labels.items() if label.startswith("werf-import-")}
    return imports | ({about.parent} if about.parent else set())
