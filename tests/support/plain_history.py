"""The git-history policy's text said a second time. See `plain_rules`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.plain_owners import Mine, Record, in_use
from tests.support.plain_world import Ref, World, by_number

NANO = 10**9
WERF_DEFAULTS: Sequence[Any] = (
    {"references": {"tag": "/.*/", "limit": {"last": 10}}},
    {
        "references": {"branch": "/.*/", "limit": {"last": 10, "in": "168h", "operator": "And"}},
        "imagesPerReference": {"last": 2, "in": "168h", "operator": "And"},
    },
    {"references": {"branch": "/^(master|staging|production)$/"}, "imagesPerReference": {"last": 10}},
)


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
            for ref in sorted(world.refs, key=lambda ref: (ref.date, by_number(ref.name)), reverse=True)
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


def by_history(world: World, mine: Sequence[Mine], records: Sequence[Record], unseen: set[str]) -> set[tuple[str, str]]:
    selected = _selected(world)
    judged = [each for each in mine if not in_use(world, each)]
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
    # "The records of what may be there and cannot be read stay."
    remaining = {each.signature for each in mine if each not in going} | unseen
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
