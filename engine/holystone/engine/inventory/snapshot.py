"""Reads one repository: tags, what they point to, what indexes list, and the configurations that were asked for.

Everything is read or the reading fails: a snapshot is never silently partial. What a *single tag* lacks (a dangling
link, a manifest that is not JSON, one that the registry does not send) is a fact about the repository and is recorded
in `broken`, and in `unread` if other manifests may be behind it.
"""

from collections.abc import Callable, Iterable

import msgspec

from holystone.engine.events import about, tell
from holystone.engine.inventory.belief import NO_MEMORY, Unbelieving
from holystone.engine.inventory.contents import EVERY_LABEL, Contents
from holystone.engine.inventory.entries import Entries
from holystone.engine.inventory.listing import list_twice
from holystone.engine.inventory.reader import WORKERS, Reader
from holystone.engine.model.events import Read
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.lock_tags import is_lock_tag
from holystone.engine.model.manifests import parts
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import TAGS, DigestCache, RepositorySession, TagMemory, Wanted
from holystone.engine.scheduler import for_each


async def read_repository(
    session: RepositorySession,
    cache: DigestCache,
    *,
    needs_config: Callable[[Tag], bool],
    contents: Contents = EVERY_LABEL,
    wanted: Wanted = TAGS,
    memory: TagMemory = NO_MEMORY,
) -> RepositorySnapshot:
    """`needs_config`: the tags of which configurations are looked at; `wanted`: what the listing is to say; `memory`:
    where tags pointed to that need not be looked at again. Raises what the registry raises."""
    with about(repository=session.repository):
        snapshot = await _read(session, cache, needs_config, contents, wanted, memory)
        if snapshot.believed.keys() & snapshot.broken.keys():  # by now it may point to what is sound
            snapshot = await _read(session, cache, needs_config, contents, wanted, Unbelieving(memory))
        return snapshot


async def _read(
    session: RepositorySession,
    cache: DigestCache,
    needs_config: Callable[[Tag], bool],
    contents: Contents,
    wanted: Wanted,
    memory: TagMemory,
) -> RepositorySnapshot:
    listing = await list_twice(session, wanted)
    reader = Reader(session, cache, listing.manifests, contents)
    locks = tuple(tag for tag in listing.tags if is_lock_tag(tag))
    listed = {tag: at for tag, at in listing.tags.items() if tag not in locks}
    known = await memory.recall(session.repository)
    immutable = [tag for tag, at in listed.items() if at is None and contents.immutable(tag)]
    there = await reader.recall({known[tag].digest for tag in immutable if tag in known})
    believed = {tag: known[tag] for tag in immutable if tag in known and known[tag].digest in there}
    tags, broken = await reader.resolve({**listed, **{tag: look.digest for tag, look in believed.items()}})
    odd = [digest for digest in listing.odd.values() if digest]
    manifests = await reader.manifests((*tags.values(), *listing.untagged, *(listing.loose or ()), *odd))
    manifests |= await reader.manifests(set(listing.indexes) - manifests.keys(), follow=False)
    broken |= {tag: problem for tag, digest in tags.items() if (problem := reader.problems.get(digest))}
    looked_at = {
        digest
        for tag, digest in tags.items()
        if needs_config(tag) or (tag not in listing.put and digest not in listing.pushed and contents.undated(tag))
    }
    if contents.parts:
        looked_at |= parts(looked_at, manifests)
    configs = await reader.configs(
        config for digest in looked_at if (manifest := manifests.get(digest)) and (config := manifest.config)
    )
    for tag, digest in tags.items():
        found = manifests.get(digest)
        if found and found.config and (problem := reader.problems.get(found.config)):
            broken[tag] = problem
    present = {tag: digest for tag, digest in tags.items() if digest not in reader.missing}
    sound = {tag: present[tag] for tag in immutable if tag in present and tag not in broken and tag not in believed}
    if sound or believed.keys() != known.keys():
        await memory.learn(session.repository, sound, believed.keys())
    tell(Read(session.repository, len(present), len(manifests), len(configs), len(broken)))
    return RepositorySnapshot(
        session.repository,
        present,
        broken,
        manifests,
        configs,
        listing.exists,
        unclear=reader.unclear,
        unread=reader.unread,
        locked=listing.locked,
        locks=locks,
        put=listing.put,
        pushed=listing.pushed,
        pulls=listing.pulls,
        loose=listing.loose,
        archived=listing.archived,
        odd=listing.odd,
        fetched=reader.fetched,
        believed={tag: look.at for tag, look in believed.items()},
    )


async def add_referrers(
    session: RepositorySession,
    cache: DigestCache,
    snapshot: RepositorySnapshot,
    subjects: Iterable[Digest],
) -> RepositorySnapshot:
    """The snapshot, with the manifests that refer to `subjects` by the referrers API."""
    found: set[Digest] = set()
    entries: Entries[Digest] = Entries()

    async def ask(subject: Digest) -> None:
        with entries.of(subject):
            found.update(await session.referrers(subject))

    await for_each(sorted(subjects), ask, workers=WORKERS)
    entries.end()
    held = {**snapshot.held, **entries.problems()}
    if not (unknown := sorted(found - snapshot.manifests.keys())):
        return msgspec.structs.replace(snapshot, held=held) if entries.failed else snapshot
    reader = Reader(session, cache, {}, EVERY_LABEL)
    manifests = await reader.manifests(unknown)
    return msgspec.structs.replace(
        snapshot,
        manifests={**manifests, **snapshot.manifests},
        unclear={**reader.unclear, **snapshot.unclear},
        unread={**reader.unread, **snapshot.unread},
        held=held,
    )


async def add_configs(
    session: RepositorySession, cache: DigestCache, snapshot: RepositorySnapshot, tags: Iterable[Tag]
) -> RepositorySnapshot:
    """The snapshot, with what can be read of the configurations of these tags' images."""
    digests = {snapshot.tags[tag] for tag in tags}
    digests |= parts(digests, snapshot.manifests)
    named = {manifest.config for digest in digests if (manifest := snapshot.manifests.get(digest)) and manifest.config}
    with about(repository=session.repository):
        configs = await Reader(session, cache, {}, EVERY_LABEL).configs(named - snapshot.configs.keys())
    return msgspec.structs.replace(snapshot, configs={**snapshot.configs, **configs})
